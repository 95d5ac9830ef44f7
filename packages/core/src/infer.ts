/** What can be known about jobs at compile time: everything that makes generics unnecessary in users' code. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { JobDefinition } from './job.js'
import type { RunData } from './types.js'

/** Free texts on a run, to find it by. */
export type Labels = Readonly<Record<string, string>>

/**
 * A job: `N` its name, `In` what `trigger` takes, `Parsed` what its function gets and a run stores, `Out` its output, `L`
 * its labels.
 */
export interface Job<N extends string, In, Parsed, Out, L> {
  readonly name: N
  /** For the library. */
  readonly '~definition': JobDefinition
  /** Never set: carries the types. */
  readonly '~types'?: { name: N; input: In; parsed: Parsed; output: Out; labels: L }
}

// biome-ignore lint/suspicious/noExplicitAny: a constraint that every job fits, whatever the variance of its types
export type AnyJob = Job<string, any, any, any, any>

type Types<J extends AnyJob> = NonNullable<J['~types']>
/** `any` (of a job of which nothing is known) must not leak into users' code. */
type Known<T> = 0 extends 1 & T ? unknown : T

export type JobName<J extends AnyJob> = J['name']
/** What `trigger` takes: the schema's input. */
export type JobInput<J extends AnyJob> = Known<Types<J>['input']>
/** What the function gets and `run.input` shows: the schema's output. */
export type JobParsed<J extends AnyJob> = Known<Types<J>['parsed']>
export type JobOutput<J extends AnyJob> = Known<Types<J>['output']>
export type JobLabels<J extends AnyJob> = unknown extends Types<J>['labels']
  ? Labels
  : Types<J>['labels']

/** What an output schema wants the function to return. */
export type SchemaIn<S> = S extends StandardSchemaV1 ? StandardSchemaV1.InferInput<S> : unknown

/** Labels, keys and delays come later; until then a trigger takes no options, and an unknown one is refused. */
export type TriggerOptions = Readonly<Record<string, never>>

/** The arguments after the job, the input being optional where it may be `undefined`. */
export type Args<J extends AnyJob, O = TriggerOptions> =
  undefined extends JobInput<J>
    ? [input?: JobInput<J>, options?: O]
    : JobInput<J> extends void
      ? [input?: undefined, options?: O]
      : [input: JobInput<J>, options?: O]

/** A run of that job, discriminated by `status`. */
export type Run<J extends AnyJob = AnyJob> = RunData<JobName<J>, JobParsed<J>, JobOutput<J>>
/** Distributes over a union of jobs: narrow by `jobName`, then by `status`. */
export type RunOf<J> = J extends AnyJob ? Run<J> : never

/** The jobs in a record or a module namespace; other exports are ignored. */
export type JobsOf<M> = Extract<M[keyof M], AnyJob>
/** The job of that name. */
export type JobNamed<U extends AnyJob, N> = string extends U['name']
  ? AnyJob
  : Extract<U, { readonly name: N }>
/** The job that a definition or a name means. */
export type Resolve<U extends AnyJob, R> = R extends AnyJob
  ? R
  : R extends string
    ? JobNamed<U, R>
    : never
