/** The least of an app with jobs and React, for the sizes. The job is named, not imported: so its page has no executor. */
import { createStepwell, defineJob } from '@stepwell/core'
import * as hooks from '@stepwell/react'

const job = defineJob({ name: 'job', run: (step) => step.run('step', () => 1) })
const worker = () => new Worker(new URL('./jobs.ts', import.meta.url), { type: 'module' })
const client = createStepwell({ jobs: { job }, worker })

Object.assign(globalThis, { used: [client, hooks] })
