/** `poll`: a job that is run again and again until it says that it is done. */
import { type Duration, durationMs } from './duration.js'
import type { AnyJob, Job, JobInput, JobOutput, JobTaking, Labels } from './infer.js'
import {
  checkDefinition,
  checkJobName,
  freezeJob,
  isJob,
  type JobPolicy,
  POLICY_OPTIONS,
} from './job.js'
import { checkInteger, checkOptions, invalid, shown } from './options.js'
import { checkedOnly } from './schema.js'
import type { Step } from './step.js'

const ATTEMPTS_MAX = 10_000
const OPTIONS = ['maxAttempts', 'delay', ...POLICY_OPTIONS]

/** What a job that is polled returns. */
export type PollResult<T> =
  | { readonly isDone: true; readonly output: T }
  | { readonly isDone: false }

/** What a poll returns. That it has asked in vain is a result, and no failure. */
export type PollOutput<T> =
  | { readonly isSuccess: true; readonly output: T }
  | { readonly isSuccess: false }

export interface PollOptions extends JobPolicy {
  /** How often the job is run at most. 1 to 10,000. */
  readonly maxAttempts: number
  /** The time between the end of one attempt and the next one. */
  readonly delay: Duration
}

/** The output of the result that is done. */
export type PolledOutput<J extends AnyJob> = OutputOfDone<JobOutput<J>>
type OutputOfDone<R> = R extends { readonly isDone: infer D }
  ? true extends D
    ? R extends { readonly output?: infer T }
      ? T
      : undefined
    : never
  : never

/**
 * Defines a job that runs another one, with its own input, until that one returns `{ isDone: true, output }`, and at most
 * `maxAttempts` times, with `delay` between. It is an ordinary job that calls `step.invoke('attempt-1', …)`,
 * `step.sleep('delay-1', …)`, `step.invoke('attempt-2', …)` and so on. A failure of the job ends it: give that job a `retry`
 * where one failed attempt is not the end. The job must be among those that are served.
 *
 * @param name the job's identity in the database.
 */
export function poll<const N extends string, J extends AnyJob>(
  name: N,
  job: J & JobTaking<never, { readonly isDone: boolean }>,
  options: PollOptions,
): Job<N, JobInput<J>, JobInput<J>, PollOutput<PolledOutput<J>>, Labels> {
  const what = checkJobName(name, 'poll')
  const poll = `poll ${JSON.stringify(name)}`
  if (!isJob(job)) {
    throw invalid(`The job of ${poll} must be one that defineJob made, and is ${shown(job)}.`)
  }
  const given = checkOptions(options, `The ${poll}`, OPTIONS)
  const { maxAttempts, delay } = given
  const attemptsMax = checkInteger(
    maxAttempts,
    `The option maxAttempts of ${poll}`,
    1,
    ATTEMPTS_MAX,
  )
  const delayMs = durationMs(delay, `The option delay of ${poll}`)
  return freezeJob({
    name,
    ...checkDefinition(given, what),
    input: checkedOnly(job['~definition'].input),
    async run(step: Step, input: unknown): Promise<PollOutput<unknown>> {
      for (let attempt = 1; attempt <= attemptsMax; attempt++) {
        if (attempt > 1) await step.sleep(`delay-${attempt - 1}`, delayMs)
        const output = await attemptOf(step, attempt, job, input)
        if (output !== null) return { isSuccess: true, ...output }
      }
      return { isSuccess: false }
    },
  })
}

/** What the job returned beside `isDone: true`; `null` where it is not done. */
async function attemptOf(
  step: Step,
  attempt: number,
  job: AnyJob,
  input: unknown,
): Promise<{ readonly output: unknown } | null> {
  const result: unknown = await step.invoke(`attempt-${attempt}`, job, input)
  if (typeof result === 'object' && result !== null && 'isDone' in result) {
    if (result.isDone === false) return null
    if (result.isDone === true) return { output: 'output' in result ? result.output : undefined }
  }
  throw invalid(
    `The job ${JSON.stringify(job.name)} is polled, and must return { isDone: true, output } or { isDone: false }: in ` +
      `attempt ${attempt} it returned ${shown(result)}.`,
  )
}
