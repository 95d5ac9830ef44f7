/** The jobs of the page whose start is looked at, and the entry of the worker that runs them. */
import { defineJob } from '@stepwell/core'
import { serveJobs } from '@stepwell/core/executor'

/** Milliseconds since the Unix epoch, with fractions: comparable between the threads of one page. */
const wallNow = (): number => performance.timeOrigin + performance.now()

/** When a step started, and in which worker. */
export interface Start {
  readonly at: number
  readonly executor: string
}

const executor = crypto.randomUUID()

/** Steps of 20 ms, each of which says when it started. */
export const slow = defineJob({
  name: 'slow',
  run: async (step, { count }: { count: number }) => {
    for (let i = 0; i < count; i++) {
      await step.run(`step-${i}`, async (): Promise<Start> => {
        const at = wallNow()
        await new Promise((resolve) => setTimeout(resolve, 20))
        return { at, executor }
      })
    }
  },
})

/** A run without steps, to fill a database with. */
export const filler = defineJob({ name: 'filler', run: () => ({ text: 'x'.repeat(88) }) })

export const jobs = serveJobs({ slow, filler })
