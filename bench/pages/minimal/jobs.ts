import { defineJob } from '@stepwell/core'
import { serveJobs } from '@stepwell/core/executor'

export const job = defineJob({ name: 'job', run: (step) => step.run('step', () => 1) })
export const jobs = serveJobs({ job })
