/** The jobs that are measured, and the entry of the worker that runs them. */
import { defineJob } from '@stepwell/core'
import { serveJobs } from '@stepwell/core/executor'

/** Milliseconds since the Unix epoch, with fractions: comparable between the threads of one browser. */
export const wallNow = (): number => performance.timeOrigin + performance.now()

const OUTPUT = { text: 'x'.repeat(88) }

/** Steps that do nothing and return about 100 bytes of JSON. */
export const steps = defineJob({
  name: 'steps',
  run: async (step, input: { count: number }) => {
    for (let i = 0; i < input.count; i++) await step.run(`step-${i}`, () => OUTPUT)
    return input.count
  },
})

/** When its first step's function started. */
export const firstStep = defineJob({
  name: 'first-step',
  run: (step) => step.run('first', wallNow),
})

/** Steps of 20 ms, each of which says when it started. */
export const slow = defineJob({
  name: 'slow',
  run: async (step, input: { count: number }) => {
    for (let i = 0; i < input.count; i++) {
      await step.run(`step-${i}`, async () => {
        const startedAt = wallNow()
        await new Promise((resolve) => setTimeout(resolve, 20))
        return startedAt
      })
    }
  },
})

/** A run without steps, to fill a database with. */
export const filler = defineJob({ name: 'filler', run: () => OUTPUT })

export const jobs = serveJobs({ steps, firstStep, slow, filler })
