/** The worker's entry, and what the page imports: one module, as DESIGN §6 shows it to users. */
import { serveJobs } from '@stepwell/core/executor'
import * as definitions from './definitions.js'
import { tellUnhandled } from './unhandled.js'

tellUnhandled()

export const jobs = serveJobs(definitions)
