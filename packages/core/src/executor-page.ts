/**
 * `@stepwell/core/executor` for pages, where `serveJobs` only checks what it is given: without what runs jobs. The plugin
 * for Vite puts it in the place of the other in what pages load.
 */
import type { Serializer } from './codec/codec.js'
import { checkSerializer } from './codec/serializer.js'
import { collectJobs } from './job.js'
import { checkOptions, invalid, shown } from './options.js'

export interface ServeJobsOptions {
  /** Stores richer values than strict JSON. Give the same one to `createStepwell`. */
  readonly serializer?: Serializer
}

export function serveJobs<T extends object>(jobs: T, options?: ServeJobsOptions): T {
  checkServed(jobs, options)
  return jobs
}

/** The serializer of the options. Two jobs of one name throw here, in the page too. */
export function checkServed(
  jobs: object,
  options: ServeJobsOptions | undefined,
): Serializer | undefined {
  checkJobs(jobs)
  collectJobs(jobs)
  const { serializer } = checkOptions(options, 'serveJobs', ['serializer'])
  return checkSerializer(serializer, 'The option serializer of serveJobs')
}

function checkJobs(jobs: unknown): void {
  if ((typeof jobs === 'object' || typeof jobs === 'function') && jobs !== null) return
  throw invalid(`serveJobs takes an object of jobs or a module, and got ${shown(jobs)}.`)
}
