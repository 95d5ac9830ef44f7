/** As `index.ts`, of a build that has lost the job `extra`. */
import { createStepwell } from '@stepwell/core'
import { jobs } from './jobs-fewer.js'
import { clientOptions } from './query.js'
import { expose } from './window.js'

const worker = () => new Worker(new URL('./jobs-fewer.ts', import.meta.url), { type: 'module' })
expose(createStepwell({ jobs, ...clientOptions(worker) }))
