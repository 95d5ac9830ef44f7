/** What is measured: steps that do nothing but return 100 bytes. */
import { defineJob } from '@stepwell/core'
import { serveJobs } from '@stepwell/core/executor'

const HUNDRED_BYTES = 'x'.repeat(98)

export const many = defineJob({
  name: 'many',
  run: async (step, input: { count: number }) => {
    for (let i = 0; i < input.count; i++) await step.run(`s-${i}`, () => HUNDRED_BYTES)
  },
})

/** Tells all pages when its first step's body begins, in milliseconds since the epoch. */
export const told = defineJob({
  name: 'told',
  run: (step) =>
    step.run('first', () => {
      const at = performance.timeOrigin + performance.now()
      const channel = new BroadcastChannel('bench')
      channel.postMessage(at)
      channel.close()
    }),
})

/** For a reload in mid-run: a step every few milliseconds, each telling when it begins, until the given time. */
export const ticking = defineJob({
  name: 'ticking',
  run: async (step, input: { until: number }) => {
    const channel = new BroadcastChannel('bench')
    for (let i = 0; Date.now() < input.until; i++) {
      await step.run(`t-${i}`, async () => {
        channel.postMessage(performance.timeOrigin + performance.now())
        await new Promise((resolve) => setTimeout(resolve, 5))
      })
    }
    channel.close()
  },
})

export const jobs = serveJobs({ many, told, ticking })
