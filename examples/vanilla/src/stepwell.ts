/** The page's client. It connects when it is first used. */
import { createStepwell } from '@stepwell/core'
import { jobs } from './jobs.ts'

export const stepwell = createStepwell({
  jobs,
  worker: () => new Worker(new URL('./jobs.ts', import.meta.url), { type: 'module' }),
  database: 'photos',
})
