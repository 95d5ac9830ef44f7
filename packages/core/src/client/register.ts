/** The client that the user registered by declaration merging, and the jobs it brings. */

import type { Register } from '../index.js'
import type { AnyJob } from '../infer.js'
import type { Stepwell } from './types.js'

/** The union of the registered client's jobs; any job where none is registered. */
export type RegisteredJobs = Register extends { readonly client: Stepwell<infer U> } ? U : AnyJob
