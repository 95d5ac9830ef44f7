// Starts: of a page, and of a run that a reload interrupted.
import { atMost, flat, middle, missing, row } from '../rows.mjs'
import { ASLEEP, asleepPlace, STORED_MANY, storedPlace } from './fixtures.mjs'

const STARTS = 3
const SLOW_STEPS = 30
/** It is cancelled when it has been measured. */
const DURABLY_SLOW_STEPS = 1_000
const REACHED = 5
const DEFAULT_LEASE_ROUNDS = 2

async function ready(lab) {
  await storedPlace(lab, STORED_MANY)
  await asleepPlace(lab)
  let opened = 0
  const starting = (part, placeOf) => async () => {
    const all = []
    for (let n = 0; n < lab.size(STARTS, 1); n++) {
      const ms = await lab.inPage(({ started }) => started(), [part, 'ready', placeOf()])
      all.push(ms)
    }
    return all
  }
  const fresh = () => {
    opened += 1
    return { database: `fresh-${opened}` }
  }
  const stored = () => ({ database: `stored-${STORED_MANY}` })
  const one = () => ({ database: 'warm' })
  const taken = await lab.interleave({
    cold: starting('stepwell', fresh),
    durablyCold: starting('durably', fresh),
    empty: starting('stepwell', one),
    durablyEmpty: starting('durably', one),
    many: starting('stepwell', stored),
    durablyMany: starting('durably', stored),
    asleep: starting('stepwell', () => ({ database: 'asleep' })),
  })
  const of = (name) => flat(taken[name])
  return [
    row('a database that is made', 'ms', { stepwell: of('cold'), durably: of('durablyCold') }),
    row('an empty database', 'ms', {
      stepwell: of('empty'),
      durably: of('durablyEmpty'),
      budgets: [atMost(200, middle(of('empty')), 'ms')],
    }),
    row(`${STORED_MANY.toLocaleString('en')} ended runs stored`, 'ms', {
      stepwell: of('many'),
      durably: of('durablyMany'),
      budgets: [atMost(250, middle(of('many')), 'ms')],
    }),
    row(`${ASLEEP.toLocaleString('en')} runs asleep`, 'ms', {
      stepwell: of('asleep'),
      durably: missing('its runs cannot sleep'),
    }),
  ]
}

async function resume(lab) {
  const interrupted = (part, place, steps) => async () => {
    const page = await lab.open([part, 'resumed', place])
    const run = await page.call(part, 'interrupt', place, steps, REACHED)
    await page.reload()
    const ms = await page.started()
    if (part === 'durably') await page.call(part, 'cancel', place, run)
    await page.close()
    return ms
  }
  const taken = await lab.interleave({
    stepwell: interrupted('stepwell', { database: 'reload' }, SLOW_STEPS),
    durably: interrupted('durably', { database: 'reload' }, DURABLY_SLOW_STEPS),
  })
  const slow = await lab.interleave(
    {
      durably: interrupted(
        'durably',
        { database: 'reload-default', defaults: true },
        DURABLY_SLOW_STEPS,
      ),
    },
    { rounds: lab.size(DEFAULT_LEASE_ROUNDS, 1), unmeasured: 0 },
  )
  const { stepwell } = taken
  return [
    row('strict', 'ms', {
      stepwell,
      durably: taken.durably,
      budgets: [atMost(300, middle(stepwell), 'ms')],
    }),
    row('durably’s defaults', 'ms', {
      stepwell,
      durably: slow.durably,
      note: `durably ${DEFAULT_LEASE_ROUNDS} times, not in turns`,
    }),
  ]
}

export const cases = [
  {
    id: 'resume',
    title: 'Reload in the midst of a run → next step',
    about:
      'A run of 20 ms steps; milliseconds from the navigation to the start of the first step that was not done. durably waits ' +
      'for the lease of the page that is gone.',
    take: resume,
  },
  {
    id: 'ready',
    title: 'Page load → ready',
    about:
      'Milliseconds from the navigation to the answer to a first `getRuns`, in a new tab, files in the HTTP cache. ' +
      'durably: `init()`, then the same question.',
    take: ready,
  },
]
