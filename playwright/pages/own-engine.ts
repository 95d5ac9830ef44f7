/** As `index.ts`, with the options `engineWorker` and `wasmUrl` from the address. */
import { createStepwell } from '@stepwell/core'
import { jobs } from './jobs.js'
import { clientOptions, text } from './query.js'
import { expose } from './window.js'

const ENGINE_WORKERS: Readonly<Record<string, () => Worker>> = {
  own: () => new Worker(new URL('./engine.ts', import.meta.url), { type: 'module', name: 'own' }),
  missing: () => new Worker('/is-not-here.js', { type: 'module' }),
  nothing: () => JSON.parse('null'),
  throwing: () => {
    throw new RangeError('no more workers')
  },
}

const worker = () => new Worker(new URL('./jobs.ts', import.meta.url), { type: 'module' })
const engineWorker = ENGINE_WORKERS[text('engineWorker') ?? '']
const wasmUrl = text('wasmUrl')
expose(
  createStepwell({
    jobs,
    ...clientOptions(worker),
    ...(engineWorker === undefined ? {} : { engineWorker }),
    ...(wasmUrl === null ? {} : { wasmUrl }),
  }),
)
