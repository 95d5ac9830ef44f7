/** Definitions of jobs. Nothing here touches a browser: a definition is data that page and executor share. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type Duration, durationMs } from './duration.js'
import type { RetryPolicy } from './generated/protocol.js'
import type { AnyJob, Job, Labels, SchemaIn } from './infer.js'
import {
  checkFunction,
  checkInteger,
  checkOneOf,
  checkOptions,
  checkText,
  invalid,
  shown,
} from './options.js'
import { checkRetry, type RetryOptions } from './retry.js'
import type { Step } from './step.js'

export type { AnyJob, Job } from './infer.js'

/** A definition as the library uses it, after its types have done their work. */
export interface JobDefinition {
  readonly name: string
  readonly input: StandardSchemaV1 | undefined
  readonly output: StandardSchemaV1 | undefined
  readonly labels: StandardSchemaV1 | undefined
  /** The engine's default where `undefined`. */
  readonly maxRecoveries: number | undefined
  /** How many of its runs may be at work at once; no limit where `undefined`. */
  readonly concurrency: number | undefined
  /** Of the job's own failures, not of its steps'; no other attempt where `undefined`. */
  readonly retry: RetryPolicy | undefined
  /** How long an attempt may be at work, waits not counted; no limit where `undefined`. */
  readonly timeoutMs: number | undefined
  /** Whether its runs are at work only while the browser is online. */
  readonly needsNetwork: boolean
  /** A method, so that functions of any input fit: the input was parsed by this job's own schema. */
  run(step: Step, input: unknown): unknown
}

/** The options of a job that say how its runs are worked on, and nothing about their values. */
export interface JobPolicy {
  /** Interruptions in a row, without a newly completed step, after which a run fails. Default 10. */
  readonly maxRecoveries?: number
  /**
   * How many runs of this job may be at work at once, over all executors. Left out: as many as there is room for. Other
   * jobs go past those that wait. 1 to 1,000.
   */
  readonly concurrency?: number
  /**
   * How often and when a run whose function failed is tried again: it waits without a slot, and completed steps survive.
   * A run keeps the policy that it was triggered with. Left out: it is not tried again. A step has an option of its own.
   */
  readonly retry?: RetryOptions
  /**
   * How long an attempt of a run may be at work; what it spends waiting is not counted. Beyond it `step.signal` fires, and
   * a second later the attempt fails with `timeout`. A run keeps what it was triggered with. Left out: no limit.
   */
  readonly timeout?: Duration
  /** `'online'`: its runs are started, and go on, only while the browser is online; until then they are `waiting`. */
  readonly network?: 'online'
}

export interface JobConfig<N extends string, P, I, S, R, L, LI> extends JobPolicy {
  /** The job's identity in the database: keep it when you move or rename code. */
  readonly name: N
  /** Standard Schema v1. Its output is what is stored and what `run` gets. */
  readonly input?: StandardSchemaV1<I, P>
  /** Standard Schema v1. Its output is what is stored. */
  readonly output?: S
  /** Standard Schema v1 of an object of texts. Its output is what is stored. */
  readonly labels?: StandardSchemaV1<LI, L>
  readonly run: (step: Step, input: P) => R | Promise<R>
}

/** What a labels schema makes; a label that is `undefined` is left out. */
export type StoredLabels = Readonly<Record<string, string | undefined>>

/** The engine's limit. */
const NAME_BYTES_MAX = 256
const RECOVERIES_MAX = 1000
const CONCURRENCY_MAX = 1000
/** The names of `JobPolicy`. */
export const POLICY_OPTIONS = ['maxRecoveries', 'concurrency', 'retry', 'timeout', 'network']
const OPTIONS = ['name', 'input', 'output', 'labels', ...POLICY_OPTIONS, 'run']

// `R extends SchemaIn<S>` and not `output: Schema<R, O>`: so a wrong return type is one error, and it stands on `run`.
// `P = void, I = P`, in that order, lets a job without a schema take its type from `(step, input: string)`.
export function defineJob<
  const N extends string,
  P = void,
  I = P,
  S extends StandardSchemaV1 | undefined = undefined,
  R extends SchemaIn<S> = SchemaIn<S>,
  L extends StoredLabels = Labels,
  LI = L,
>(
  config: JobConfig<N, P, I, S, R, L, LI>,
): Job<N, I, P, S extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<S> : R, LI> {
  if (config === undefined) throw invalid('defineJob takes an object with at least name and run.')
  const options = checkOptions(config, 'defineJob', OPTIONS)
  const what = checkJobName(options['name'], 'defineJob')
  checkFunction(options['run'], `The option run ${what}`)
  const { name, run } = config
  return freezeJob({ name, ...checkDefinition(options, what), run })
}

/** A job of any types: what is thought of it is settled by the signature of the function that makes it. */
export function freezeJob<const N extends string, I, P, Out, L>(
  definition: JobDefinition & { readonly name: N },
): Job<N, I, P, Out, L> {
  return Object.freeze({ name: definition.name, '~definition': Object.freeze(definition) })
}

/**
 * All of a definition but its name and its function; what is not given is not there.
 *
 * @param what as `checkJobName` returns it.
 */
export function checkDefinition(
  options: Readonly<Record<string, unknown>>,
  what: string,
): Omit<JobDefinition, 'name' | 'run'> {
  const { maxRecoveries, concurrency, retry, timeout, network } = options
  const name = (option: string) => `The option ${option} ${what}`
  const schema = (option: string) => schemaOption(options[option], name(option))
  const integer = (value: unknown, option: string, max: number) =>
    value === undefined ? undefined : checkInteger(value, name(option), 1, max)
  if (network !== undefined) checkOneOf(network, name('network'), ['online'])
  return {
    input: schema('input'),
    output: schema('output'),
    labels: schema('labels'),
    maxRecoveries: integer(maxRecoveries, 'maxRecoveries', RECOVERIES_MAX),
    concurrency: integer(concurrency, 'concurrency', CONCURRENCY_MAX),
    retry: retry === undefined ? undefined : checkRetry(retry, name('retry')),
    timeoutMs: timeout === undefined ? undefined : durationMs(timeout, name('timeout')),
    needsNetwork: network !== undefined,
  }
}

/** @returns how messages name the job: `of job "import-csv"`. */
export function checkJobName(value: unknown, what: string): string {
  const name = checkText(value, `The option name of ${what}`, NAME_BYTES_MAX)
  const bytes = new TextEncoder().encode(name).length
  if (bytes > NAME_BYTES_MAX) {
    throw invalid(`The option name of ${what} may have ${NAME_BYTES_MAX} bytes, and has ${bytes}.`)
  }
  return `of job ${JSON.stringify(name)}`
}

function schemaOption(value: unknown, name: string): StandardSchemaV1 | undefined {
  if (value === undefined || isSchema(value)) return value
  throw invalid(
    `${name} must be a Standard Schema (zod, valibot, arktype, …), and is ${shown(value)}.`,
  )
}

/** Whether `validate` can be given it. */
function isSchema(value: unknown): value is StandardSchemaV1 {
  // arktype's schemas are functions.
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  if (!('~standard' in value)) return false
  const standard = value['~standard']
  return (
    typeof standard === 'object' &&
    standard !== null &&
    'validate' in standard &&
    typeof standard.validate === 'function'
  )
}

/** Whether a value came from `defineJob`, also of another copy of this package. */
export function isJob(value: unknown): value is AnyJob {
  return typeof value === 'object' && value !== null && 'name' in value && '~definition' in value
}

export function jobDefinition(job: AnyJob): JobDefinition {
  return job['~definition']
}

/**
 * The jobs of a record or a module namespace by name; what is no job is ignored. The same definition may stand there
 * twice; two definitions of one name are refused.
 */
export function collectJobs(jobs: object): Map<string, AnyJob> {
  const found = new Map<string, AnyJob>()
  for (const [key, value] of Object.entries(jobs)) {
    if (!isJob(value)) continue
    const other = found.get(value.name)
    if (other !== undefined && other !== value) {
      throw invalid(
        `Two jobs have the name ${JSON.stringify(value.name)} (the second is exported as ${key}). A job's name is ` +
          'its identity in the database: give one of them another name.',
      )
    }
    found.set(value.name, value)
  }
  return found
}
