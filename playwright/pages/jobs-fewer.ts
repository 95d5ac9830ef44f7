/** A build that has lost a job: `extra` is missing. */
import { serveJobs } from '@stepwell/core/executor'
import { quick, steps } from './definitions.js'

export const jobs = serveJobs({ steps, quick })
