// Steps and short runs: how many a second.
import { atLeast, floorRow, middle, pick, row } from '../rows.mjs'

const STEPS = 500
const RUNS = 16
const STEPS_EACH = 60
const FLOOR_TIMES = 300
const ECHO_TIMES = 2_000
/** durably makes some 25 steps a second. */
const DURABLY_STEPS = 60
const DURABLY_STEPS_EACH = 2
const SHORT_RUNS = 200
const DURABLY_SHORT_RUNS = 16

const rate = ([perSecond]) => perSecond

async function steps(lab) {
  const taken = await lab.inPage(({ call }) => {
    const ours = (durability, runs, count) => () =>
      call('stepwell', 'steps', { database: durability, durability }, runs, count)
    const theirs = (place, runs, count) => () => call('durably', 'steps', place, runs, count)
    return lab.interleave({
      raw: () => call('floors', 'raw', FLOOR_TIMES),
      echo: () => call('floors', 'echo', ECHO_TIMES),
      commit: () => call('floors', 'commit', FLOOR_TIMES),
      strict: ours('strict', 1, STEPS),
      durably: theirs({ database: 'one' }, 1, DURABLY_STEPS),
      strictMany: ours('strict', RUNS, STEPS_EACH),
      durablyMany: theirs({ database: 'many', concurrency: RUNS }, RUNS, DURABLY_STEPS_EACH),
      relaxed: ours('relaxed', 1, STEPS),
      relaxedMany: ours('relaxed', RUNS, STEPS_EACH),
    })
  })
  const ours = (name) => pick(taken[name], rate)
  const times = (name, other) => middle(ours(name)) / middle(taken[other])
  const commits = (name) =>
    `${middle(pick(taken[name], ([, steps]) => steps)).toFixed(2)} steps a commit`
  const floor = (name, other) => ({ name, taken: taken[other] })
  return [
    floorRow('4 KiB write + flush', '/s', taken.raw),
    floorRow('echo, worker ↔ worker', '/s', taken.echo),
    floorRow('echo + one commit of the same rows', '/s', taken.commit),
    row('one run, strict', '/s', {
      stepwell: ours('strict'),
      durably: taken.durably,
      floor: floor('echo + commit', 'commit'),
      budgets: [
        atLeast(40, times('strict', 'durably'), '× durably'),
        atLeast(0.8, times('strict', 'commit'), '× (echo + commit)'),
      ],
    }),
    row(`${RUNS} runs at once, strict`, '/s', {
      stepwell: ours('strictMany'),
      durably: taken.durablyMany,
      floor: floor('write + flush', 'raw'),
      budgets: [atLeast(2.5, times('strictMany', 'raw'), '× (write + flush)')],
      note: commits('strictMany'),
    }),
    row('one run, relaxed', '/s', {
      stepwell: ours('relaxed'),
      durably: taken.durably,
      budgets: [atLeast(120, times('relaxed', 'durably'), '× durably')],
    }),
    row(`${RUNS} runs at once, relaxed`, '/s', {
      stepwell: ours('relaxedMany'),
      durably: taken.durablyMany,
      note: commits('relaxedMany'),
    }),
  ]
}

async function runs(lab) {
  const ways = [1, RUNS].flatMap((concurrency) =>
    ['trigger', 'batch'].map((how) => ({ concurrency, how, name: `${how}${concurrency}` })),
  )
  const takers = ({ call }) => {
    const pairs = ways.flatMap(({ concurrency, how, name }) => {
      const place = { database: `runs-${concurrency}`, concurrency }
      return [
        [name, () => call('stepwell', 'runs', place, how, SHORT_RUNS)],
        [`durably:${name}`, () => call('durably', 'runs', place, how, DURABLY_SHORT_RUNS)],
      ]
    })
    return Object.fromEntries(pairs)
  }
  const taken = await lab.inPage((page) => lab.interleave(takers(page)))
  return ways.map(({ concurrency, how, name }) => {
    const [stepwell, durably] = [taken[name], taken[`durably:${name}`]]
    const times = middle(stepwell) / middle(durably)
    const api = how === 'batch' ? 'batchTrigger' : 'trigger'
    return row(`by ${api}, ${concurrency} at once`, '/s', {
      stepwell,
      durably,
      budgets: concurrency === RUNS ? [atLeast(100, times, '× durably')] : [],
    })
  })
}

export const cases = [
  {
    id: 'steps',
    title: 'Steps per second',
    about:
      `Steps that do nothing and return 100 bytes of JSON: one run of ${STEPS} (durably ${DURABLY_STEPS}), ` +
      `or ${RUNS} runs of ${STEPS_EACH} (durably ${DURABLY_STEPS_EACH}). durably has one durability, beside which both of ` +
      'Stepwell’s stand. The commit of the floor: the official SQLite build with its pool of synchronous access handles, ' +
      'WAL, `synchronous=FULL`, exclusive locking; one transaction that inserts a step’s row and updates its run’s.',
    take: steps,
  },
  {
    id: 'runs',
    title: 'Runs of one step per second',
    about:
      `${SHORT_RUNS} runs (durably ${DURABLY_SHORT_RUNS}), from the first trigger to the last end. By \`trigger\`: all are ` +
      'called without waiting for each other.',
    take: runs,
  },
]
