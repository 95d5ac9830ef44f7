/** The page's client. One per database, outside React: it connects when the first component needs it. */
import { createStepwell } from '@stepwell/core'
import { jobs } from './jobs.ts'

export const stepwell = createStepwell({
  jobs,
  worker: () => new Worker(new URL('./jobs.ts', import.meta.url), { type: 'module' }),
  database: 'flights',
  // So that a dropped CSV does not wait for the flights.
  concurrency: 2,
  // So that a second tab takes over in a moment.
  standby: true,
})

// So that hooks know the jobs by name, too.
declare module '@stepwell/core' {
  interface Register {
    client: typeof stepwell
  }
}
