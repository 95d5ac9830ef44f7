/** Definitions of jobs. Nothing here touches a browser: a definition is data that page and executor share. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { AnyJob, Job, Labels, SchemaIn } from './infer.js'
import { checkFunction, checkInteger, checkOptions, checkText, invalid, shown } from './options.js'
import { isSchema } from './schema.js'
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
  /** A method, so that functions of any input fit: the input was parsed by this job's own schema. */
  run(step: Step, input: unknown): unknown
}

export interface JobConfig<N extends string, P, I, S, R, L, LI> {
  /** The job's identity in the database: keep it when you move or rename code. */
  readonly name: N
  /** Standard Schema v1. Its output is what is stored and what `run` gets. */
  readonly input?: StandardSchemaV1<I, P>
  /** Standard Schema v1. Its output is what is stored. */
  readonly output?: S
  /** Standard Schema v1 of an object of texts. Its output is what is stored. */
  readonly labels?: StandardSchemaV1<LI, L>
  /** Interruptions in a row, without a newly completed step, after which a run fails. Default 10. */
  readonly maxRecoveries?: number
  /**
   * How many runs of this job may be at work at once, over all executors. Left out: as many as there is room for. Other
   * jobs go past those that wait. 1 to 1,000.
   */
  readonly concurrency?: number
  readonly run: (step: Step, input: P) => R | Promise<R>
}

/** What a labels schema makes; a label that is `undefined` is left out. */
type StoredLabels = Readonly<Record<string, string | undefined>>

/** The engine's limit. */
const NAME_BYTES_MAX = 256
const RECOVERIES_MAX = 1000
const CONCURRENCY_MAX = 1000
const OPTIONS = ['name', 'input', 'output', 'labels', 'maxRecoveries', 'concurrency', 'run']

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
  checkText(options['name'], 'The option name of defineJob', NAME_BYTES_MAX)
  const bytes = new TextEncoder().encode(config.name).length
  if (bytes > NAME_BYTES_MAX) {
    throw invalid(
      `The option name of defineJob may have ${NAME_BYTES_MAX} bytes, and has ${bytes}.`,
    )
  }
  const what = `of job ${JSON.stringify(config.name)}`
  checkFunction(options['run'], `The option run ${what}`)
  if (options['maxRecoveries'] !== undefined) {
    checkInteger(options['maxRecoveries'], `The option maxRecoveries ${what}`, 1, RECOVERIES_MAX)
  }
  if (options['concurrency'] !== undefined) {
    checkInteger(options['concurrency'], `The option concurrency ${what}`, 1, CONCURRENCY_MAX)
  }
  const definition: JobDefinition = {
    name: config.name,
    input: schemaOption(options['input'], `The option input ${what}`),
    output: schemaOption(options['output'], `The option output ${what}`),
    labels: schemaOption(options['labels'], `The option labels ${what}`),
    maxRecoveries: config.maxRecoveries,
    concurrency: config.concurrency,
    run: config.run,
  }
  return Object.freeze({ name: config.name, '~definition': Object.freeze(definition) })
}

function schemaOption(value: unknown, name: string): StandardSchemaV1 | undefined {
  if (value === undefined || isSchema(value)) return value
  throw invalid(
    `${name} must be a Standard Schema (zod, valibot, arktype, …), and is ${shown(value)}.`,
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
