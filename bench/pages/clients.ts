/** The clients that several groups of cases use. None connects before it is asked for something. */
import { createStepwell } from '@stepwell/core'
import { jobs } from './jobs.js'

export type Durability = 'strict' | 'relaxed'

export const worker = () => new Worker(new URL('./jobs.ts', import.meta.url), { type: 'module' })

const clientOf = (durability: Durability) =>
  createStepwell({ jobs, worker, database: `bench-${durability}`, durability, concurrency: 16 })

export const clients = { strict: clientOf('strict'), relaxed: clientOf('relaxed') }
