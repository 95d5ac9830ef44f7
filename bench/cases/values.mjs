// Large values, and families.
import { flat, pick, row } from '../rows.mjs'
import { percentile } from '../statistics.mjs'

const KB = 1_000
const SIZES = { '1 KB': KB, '100 KB': 100 * KB, '1 MB': 1_000 * KB }
const RUNS = 10
const DURABLY_RUNS = 3
const CHILDREN = 1_000
const SLEEPS = 200
const SIGNALS = 20

function repeatedly(count, take) {
  return async () => {
    const all = []
    for (let n = 0; n < count; n++) all.push(await take())
    return all
  }
}

async function payloads(lab) {
  const place = { database: 'payloads' }
  const takers = ({ call }) =>
    Object.entries(SIZES).flatMap(([name, bytes]) => [
      [name, repeatedly(lab.size(RUNS, 2), () => call('stepwell', 'payload', place, bytes))],
      [
        `durably:${name}`,
        repeatedly(lab.size(DURABLY_RUNS, 1), () => call('durably', 'payload', place, bytes)),
      ],
    ])
  const taken = await lab.inPage((page) => lab.interleave(Object.fromEntries(takers(page))))
  return Object.keys(SIZES).map((name) =>
    row(name, 'ms', { stepwell: flat(taken[name]), durably: flat(taken[`durably:${name}`]) }),
  )
}

async function children(lab) {
  const count = lab.size(CHILDREN, 50)
  const family = (call, durability) => () =>
    call('stepwell', 'family', { database: `family-${durability}`, durability }, count)
  const taken = await lab.inPage(({ call }) =>
    lab.interleave({ strict: family(call, 'strict'), relaxed: family(call, 'relaxed') }),
  )
  const durably = 'a run of it cannot have children'
  return ['strict', 'relaxed'].map((name) => row(name, 'ms', { stepwell: taken[name], durably }))
}

async function waits(lab) {
  const place = { database: 'waits' }
  const taken = await lab.inPage(({ call }) =>
    lab.interleave({
      late: () => call('stepwell', 'lateness', place, lab.size(SLEEPS, 20)),
      signals: repeatedly(lab.size(SIGNALS, 3), () => call('stepwell', 'answered', place)),
    }),
  )
  const tail = ({ samples }) =>
    samples.length === 0 ? '' : `p99 ${percentile(samples, 0.99).toFixed(1)} ms`
  const late = (index) => pick(flat(taken.late), (sample) => sample[index])
  const line = (label, stepwell, durably) =>
    row(label, 'ms', { stepwell, durably, note: tail(stepwell) })
  const noSleep = 'its runs cannot sleep'
  return [
    line('a sleep’s time → the engine ends it', late(0), noSleep),
    line('a sleep’s time → the function goes on', late(1), noSleep),
    line('signal → next step, idle', flat(taken.signals), 'its runs cannot wait for a signal'),
  ]
}

export const cases = [
  {
    id: 'payloads',
    title: 'A run whose input is its step’s result and its output',
    about:
      'Milliseconds from the trigger until the output is with the caller, one run after the other, strict.',
    take: payloads,
  },
  {
    id: 'children',
    group: 'waiting',
    title: `A parent with ${CHILDREN.toLocaleString('en')} children of one step, 16 at once`,
    about: 'Milliseconds until the parent has ended.',
    take: children,
  },
  {
    id: 'waits',
    group: 'waiting',
    title: 'How late waits end',
    about: `${SLEEPS} sleeps that end at different times, and signals to a run that waits.`,
    take: waits,
  },
]
