/** A build that has lost a job (`extra` is missing), and in which `parsed` has become stricter. */
import { serveJobs } from '@stepwell/core/executor'
import { quick, steps } from './definitions.js'
import { parsedStrictly } from './definitions-labels.js'

export const jobs = serveJobs({ steps, quick, parsedStrictly })
