/** A client in `window.stepwell` that nobody has used yet: not even a listener is there. */
import { createStepwell } from '@stepwell/core'
import { jobs } from './jobs.js'
import { clientOptions } from './query.js'

const worker = () => new Worker(new URL('./jobs.ts', import.meta.url), { type: 'module' })
window.stepwell = createStepwell({ jobs, ...clientOptions(worker) })
