// The page imports it, and it is the entry of the worker.
import { defineJob } from '@stepwell/core'
import { serveJobs } from '@stepwell/core/executor'
import { load } from './library.js'

export const add = defineJob({
  name: 'add',
  run: async (step, { numbers, server, key }) => {
    let sum = 0
    for (const [i, n] of numbers.entries()) {
      sum += await step.run(`n-${i}`, async ({ signal }) => {
        await fetch(`${server}/witness/${key}/n-${i}`, { method: 'POST', signal })
        if (i === 1) await fetch(`${server}/gate/${key}`, { signal })
        return load(n)
      })
      step.progress(i + 1, numbers.length)
    }
    return { sum }
  },
})

export const jobs = serveJobs({ add })
