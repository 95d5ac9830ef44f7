/** What is profiled, and the entry of the worker that runs it. */
import { defineJob } from '@stepwell/core'
import { serveJobs } from '@stepwell/core/executor'

const OUTPUT = { text: 'x'.repeat(88) }

export const steps = defineJob({
  name: 'steps',
  run: async (step, input: { count: number }) => {
    for (let i = 0; i < input.count; i++) await step.run(`step-${i}`, () => OUTPUT)
    return input.count
  },
})

export const jobs = serveJobs({ steps })
