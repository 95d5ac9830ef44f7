// What stored runs cost.
import { atMost, flat, middle, pick, row } from '../rows.mjs'
import { STORED_MANY, STORED_NONE, STORED_SOME, storedPlace } from './fixtures.mjs'

const SIZES = [STORED_NONE, STORED_SOME, STORED_MANY]
/** A round has so many of each. */
const SAMPLES = 12
const DURABLY_SAMPLES = 3
const WHAT = ['trigger', 'trigger → first step', 'first page of 50 runs']

async function scale(lab) {
  for (const size of SIZES) await storedPlace(lab, size)
  // Nobody leads the databases that were filled, so that each page opens them anew, with all that it measures.
  const taken = await lab.inPage(({ call }) => {
    /** In turns: of each size one, again and again. */
    const inTurns = (part, times) => async () => {
      const samples = SIZES.map(() => [])
      for (let n = 0; n < times; n++) {
        for (const [i, size] of SIZES.entries()) {
          samples[i].push(await call(part, 'atScale', { database: `stored-${size}` }))
        }
      }
      return samples
    }
    return lab.interleave({
      stepwell: inTurns('stepwell', lab.size(SAMPLES, 2)),
      durably: inTurns('durably', lab.size(DURABLY_SAMPLES, 1)),
    })
  })
  const of = (name, size, what) =>
    pick(flat(pick(taken[name], (sizes) => sizes[size])), (sample) => sample[what])
  return WHAT.flatMap((label, what) =>
    SIZES.map((count, size) => {
      const stepwell = of('stepwell', size, what)
      const durably = of('durably', size, what)
      const [ours, theirs] = [
        middle(stepwell) / middle(of('stepwell', 0, what)),
        middle(durably) / middle(of('durably', 0, what)),
      ]
      const isFirst = count === STORED_NONE
      return row(`${label}, ${count.toLocaleString('en')} stored`, 'ms', {
        stepwell,
        durably,
        budgets: count === STORED_MANY ? [atMost(1.3, ours, `× of ${STORED_NONE}`)] : [],
        note: isFirst
          ? ''
          : `${ours.toFixed(2)} × of ${STORED_NONE}; durably ${theirs.toFixed(2)} ×`,
      })
    }),
  )
}

export const cases = [
  {
    id: 'scale',
    title: 'With many runs stored',
    about:
      `Databases with ${SIZES.map((size) => size.toLocaleString('en')).join(', ')} ended runs, in turns in one page ` +
      `(${STORED_NONE} and not none, so that all answer with a full page). The trigger alone: of a run that is not due.`,
    take: scale,
  },
]
