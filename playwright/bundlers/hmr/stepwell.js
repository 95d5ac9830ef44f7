import { createStepwell } from '@stepwell/core'
import { jobs } from './jobs.js'

export const client = createStepwell({
  jobs,
  worker: () => new Worker(new URL('./jobs.js', import.meta.url), { type: 'module' }),
  database: 'hot',
})
