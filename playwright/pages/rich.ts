/** As `index.ts`, with values that go through superjson. */
import { createStepwell } from '@stepwell/core'
import superjson from 'superjson'
import { jobs } from './jobs-rich.js'
import { clientOptions } from './query.js'
import { expose } from './window.js'

const worker = () => new Worker(new URL('./jobs-rich.ts', import.meta.url), { type: 'module' })
expose(createStepwell({ jobs, ...clientOptions(worker), serializer: superjson }))
