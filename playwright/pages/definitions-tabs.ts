/** Jobs for tests of several tabs. */
import { defineJob } from '@stepwell/core'
import { witness } from './outside.js'

/** Steps that tell the witness `<key>/ran/<run>/<step>`. */
export const counted = defineJob({
  name: 'counted',
  // However often its leader dies: a step is committed now and then.
  maxRecoveries: 1000,
  run: async (step, { key, count }: { readonly key: string; readonly count: number }) => {
    for (let i = 0; i < count; i++) {
      await step.run(`s-${i}`, () => witness(`${key}/ran/${step.runId}/s-${i}`))
    }
    return count
  },
})
