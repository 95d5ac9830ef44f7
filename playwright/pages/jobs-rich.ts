/** The entry of a worker whose values go through superjson. */
import { serveJobs } from '@stepwell/core/executor'
import superjson from 'superjson'
import * as definitions from './definitions.js'

export const jobs = serveJobs(definitions, { serializer: superjson })
