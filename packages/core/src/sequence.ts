/** `sequence`: jobs one after another, each with the output of the one before as its input. */
import { isStepwellError, StepwellError } from './errors.js'
import type { AnyJob, Job, JobInput, JobOutput, Labels } from './infer.js'
import {
  checkDefinition,
  checkJobName,
  freezeJob,
  isJob,
  type JobPolicy,
  POLICY_OPTIONS,
} from './job.js'
import { isNonRetryableError, NonRetryableError } from './job-errors.js'
import { checkOptions, invalid, shown } from './options.js'
import { checkedOnly } from './schema.js'
import type { Step } from './step.js'

const JOBS_MAX = 1000

type Jobs = readonly [AnyJob, ...AnyJob[]]

/** Stands where a job cannot come after the one before it. */
export interface JobThatTakes<Input> {
  readonly '~takes': Input
}

/** The jobs, where each takes what the one before makes. */
export type Sequence<Js extends Jobs> = {
  readonly [K in keyof Js]: K extends keyof Shifted<Js>
    ? Shifted<Js>[K] extends infer Before extends AnyJob
      ? [JobOutput<Before>] extends [JobInput<Js[K]>]
        ? Js[K]
        : JobThatTakes<JobOutput<Before>>
      : Js[K]
    : Js[K]
}

/** At each index the job before. */
type Shifted<Js extends Jobs> = readonly [null, ...Js]

type Last<Js extends Jobs> = Js extends readonly [...unknown[], infer J extends AnyJob]
  ? J
  : Js[number]

/**
 * Defines a job that runs these jobs one after another. The first gets the input, each other the output of the one before,
 * and the output of the last is the job's. The first failure ends it; its message begins with the index: `jobs[1]
 * ("resize"): …`. It is an ordinary job that calls `step.invoke('job:0', …)`, `step.invoke('job:1', …)` and so on. The jobs
 * must be among those that are served.
 *
 * @param name the job's identity in the database.
 * @param jobs 1 to 1,000.
 */
export function sequence<const N extends string, const Js extends Jobs>(
  name: N,
  jobs: Js & Sequence<Js>,
  options?: JobPolicy,
): Job<N, JobInput<Js[0]>, JobInput<Js[0]>, JobOutput<Last<Js>>, Labels> {
  const what = checkJobName(name, 'sequence')
  const checked = checkOptions(options, `The sequence ${JSON.stringify(name)}`, POLICY_OPTIONS)
  const links = checkJobs(jobs, `The jobs of sequence ${JSON.stringify(name)}`)
  return freezeJob({
    name,
    ...checkDefinition(checked, what),
    input: checkedOnly(links[0]?.['~definition'].input),
    async run(step: Step, input: unknown) {
      let value = input
      for (const [index, job] of links.entries()) {
        try {
          value = await step.invoke(`job:${index}`, job, value)
        } catch (reason) {
          throw atIndex(index, job, reason)
        }
      }
      return value
    },
  })
}

function checkJobs(jobs: unknown, name: string): readonly AnyJob[] {
  if (!Array.isArray(jobs)) throw invalid(`${name} must be an array, and are ${shown(jobs)}.`)
  if (jobs.length < 1 || jobs.length > JOBS_MAX) {
    throw invalid(`${name} may be 1 to ${JOBS_MAX}, and are ${jobs.length}.`)
  }
  return Array.from<unknown, AnyJob>(jobs, (job, index) => {
    if (isJob(job)) return job
    throw invalid(`${name}: jobs[${index}] must be one that defineJob made, and is ${shown(job)}.`)
  })
}

/** The same failure, to a retry policy too, with the index in its message. */
function atIndex(index: number, { name }: AnyJob, reason: unknown): Error {
  const text = reason instanceof Error ? reason.message : String(reason)
  const message = `jobs[${index}] (${JSON.stringify(name)}): ${text}`
  const options = { cause: reason }
  if (isStepwellError(reason)) return new StepwellError(reason.code, message, options)
  if (isNonRetryableError(reason)) return new NonRetryableError(message, options)
  const error = new Error(message, options)
  if (reason instanceof Error) error.name = reason.name
  return error
}
