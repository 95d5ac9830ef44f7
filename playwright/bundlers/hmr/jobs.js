// A test edits this file while the dev server runs.
import { defineJob } from '@stepwell/core'
import { serveJobs } from '@stepwell/core/executor'

const EDITION = 'first'

export const edit = defineJob({
  name: 'edit',
  run: async (step, { server, key }) => {
    const before = await step.run('before', () => EDITION)
    await step.run('held', ({ signal }) => fetch(`${server}/gate/${key}`, { signal }).then(() => 0))
    return `${before}, then ${await step.run('after', () => EDITION)}`
  },
})

export const jobs = serveJobs({ edit })
