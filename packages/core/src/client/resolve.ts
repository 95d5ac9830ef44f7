/** From what a caller names to a job of this client. */
import { StepwellError } from '../errors.js'
import type { AnyJob } from '../infer.js'
import { isJob, type JobDefinition } from '../job.js'
import { checkText, invalid, shown } from '../options.js'

export type Jobs = ReadonlyMap<string, AnyJob>

const NAMES_SHOWN_MAX = 50
export const ID_LENGTH_MAX = 200

/** The job of a definition or a name; throws `not_found` with the names that there are. */
export function resolveJob(jobs: Jobs, job: unknown): JobDefinition {
  const name = nameOf(job)
  const found = jobs.get(name)
  if (found !== undefined) return found['~definition']
  const names = [...jobs.keys()].slice(0, NAMES_SHOWN_MAX).map((known) => JSON.stringify(known))
  const rest = jobs.size - names.length
  const list = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`
  throw new StepwellError(
    'not_found',
    `This client has no job ${shown(name)}: ${list}${rest > 0 ? ` and ${rest} more` : ''}. Export it from the module ` +
      'that you give to createStepwell as jobs.',
  )
}

/** The name of a job that is named by its definition or its name, whether or not there is such a job. */
export function nameOf(job: unknown): string {
  const name = isJob(job) ? job.name : job
  if (typeof name === 'string') return name
  throw invalid(`A job is named by its definition or its name, and this is ${shown(job)}.`)
}

export function checkRunId(runId: unknown): void {
  checkText(runId, "A run's id", ID_LENGTH_MAX)
}
