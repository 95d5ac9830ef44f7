// From a trigger to its first step, and to its end, when nothing else is to do.
import { atMost, flat, middle, pick, row } from '../rows.mjs'

const TRIGGERS = 40
const DURABLY_TRIGGERS = 6
const DURABLY_SLOW_TRIGGERS = 2

function repeatedly(count, take) {
  return async () => {
    const all = []
    for (let n = 0; n < count; n++) all.push(await take())
    return all
  }
}

async function firstStep(lab) {
  const leader = await lab.inPage(({ call }) =>
    lab.interleave({
      stepwell: repeatedly(TRIGGERS, () => call('stepwell', 'firstStep', { database: 'first' })),
      durably: repeatedly(DURABLY_TRIGGERS, () =>
        call('durably', 'firstStep', { database: 'first' }),
      ),
      durablySlow: repeatedly(DURABLY_SLOW_TRIGGERS, () =>
        call('durably', 'firstStep', { database: 'first-default', defaults: true }),
      ),
    }),
  )
  const of = (name, index) => pick(flat(leader[name]), (sample) => sample[index])
  return [
    row('→ first step', 'ms', {
      stepwell: of('stepwell', 0),
      durably: of('durably', 0),
      budgets: [atMost(5, middle(of('stepwell', 0)), 'ms')],
    }),
    row('→ first step, durably’s defaults', 'ms', {
      stepwell: of('stepwell', 0),
      durably: of('durablySlow', 0),
    }),
    row('→ run completed', 'ms', { stepwell: of('stepwell', 1), durably: of('durably', 1) }),
    row('→ run completed, durably’s defaults', 'ms', {
      stepwell: of('stepwell', 1),
      durably: of('durablySlow', 1),
    }),
  ]
}

export const cases = [
  {
    id: 'first-step',
    title: 'Trigger → first step, idle',
    about:
      'Milliseconds from the call of `trigger` until the first step’s function runs, and until its output is with the caller. ' +
      'durably polls: each trigger is at a random time between two polls.',
    take: firstStep,
  },
]
