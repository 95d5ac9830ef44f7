/**
 * The page's client: outside React, so that neither StrictMode nor a reloaded module makes a second one. On the server it
 * does nothing.
 */
import { createStepwell } from '@stepwell/core'
import { jobs } from './jobs'

export const stepwell = createStepwell({
  jobs,
  worker: () => new Worker(new URL('./jobs.ts', import.meta.url), { type: 'module' }),
  database: 'contacts',
})

// So that hooks know the job by name, too.
declare module '@stepwell/core' {
  interface Register {
    client: typeof stepwell
  }
}
