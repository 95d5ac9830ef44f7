/** As `index.ts`, with the engine worker of `denied-engine.ts`. */
import { createStepwell } from '@stepwell/core'
import { jobs } from './jobs.js'
import { clientOptions } from './query.js'
import { expose } from './window.js'

const worker = () => new Worker(new URL('./jobs.ts', import.meta.url), { type: 'module' })
const engineWorker = () =>
  new Worker(new URL('./denied-engine.ts', import.meta.url), { type: 'module' })
expose(createStepwell({ jobs, ...clientOptions(worker), engineWorker }))
