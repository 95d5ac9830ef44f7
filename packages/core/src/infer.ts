/** What can be known about jobs at compile time: everything that makes generics unnecessary in users' code. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Duration } from './duration.js'
import type { JobDefinition } from './job.js'
import type { RunData } from './types.js'

/** Free texts on a run, to find it by. */
export type Labels = Readonly<Record<string, string>>

/**
 * A job: `N` its name, `In` what `trigger` takes, `Parsed` what its function gets and a run stores, `Out` its output, `L`
 * the labels that `trigger` takes.
 */
export interface Job<N extends string, In, Parsed, Out, L> {
  readonly name: N
  /** For the library. */
  readonly '~definition': JobDefinition
  /** Never set: carries the types. */
  readonly '~types'?: {
    name: N
    input: In
    parsed: Parsed
    output: Out
    labels: L
    /** So that a job is not taken for one that takes more. */
    takes: (input: In) => void
  }
}

/** A job that can be given an `In`, whatever else it takes, and that makes an `Out`. */
export interface JobTaking<In, Out> {
  readonly name: string
  readonly '~definition': JobDefinition
  readonly '~types'?: { takes: (input: In) => void; output: Out }
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
/** The labels that `trigger` takes: the input of the job's labels schema. */
export type JobLabels<J extends AnyJob> = unknown extends Types<J>['labels']
  ? Labels
  : Types<J>['labels']

/** What an output schema wants the function to return. */
export type SchemaIn<S> = S extends StandardSchemaV1 ? StandardSchemaV1.InferInput<S> : unknown

interface TriggerSettings {
  /** Unique in its job: a second trigger is given the run of the first (`idempotent`), whatever its status. */
  readonly idempotencyKey?: string
  /** At most one run of the job and key is at work, and one more pending; a third trigger is a `conflict`. */
  readonly concurrencyKey?: string
  /** With a `concurrencyKey`: instead of a `conflict` the pending run is returned (`coalesced`). */
  readonly coalesce?: 'skip'
  /** When the run may start, counted from now, to the millisecond. Not together with `startAt`. */
  readonly delay?: Duration
  /** When the run may start, to the millisecond: a `Date`, or milliseconds since 1970. In the past it means now. */
  readonly startAt?: number | Date
  /** Runs of greater priority start first, always. -1000 to 1000; default 0. */
  readonly priority?: number
}

/** The options of a trigger. `labels` is needed where the job's labels schema needs one. */
export type TriggerOptions<J extends AnyJob = AnyJob> = TriggerSettings &
  (Empty extends JobLabels<J>
    ? {
        /** Texts to find the run by: at most 32; keys of 1 to 64 of `A-Z a-z 0-9 - _ . /`, values up to 256 characters. */
        readonly labels?: JobLabels<J>
      }
    : { readonly labels: JobLabels<J> })

type Empty = Readonly<Record<never, never>>

/** The options are optional unless one of them is needed. */
type Rest<O> = Empty extends O ? [options?: O] : [options: O]

/** The arguments after the job, the input being optional where it may be `undefined`. */
export type Args<J extends AnyJob, O = TriggerOptions<J>> =
  undefined extends JobInput<J>
    ? Empty extends O
      ? [input?: JobInput<J>, options?: O]
      : [input: JobInput<J>, options: O]
    : [input: JobInput<J>, ...rest: Rest<O>]

/** One item of `batchTrigger`: the input, wrapped so that it is never mistaken for options, and options beside it. */
export type BatchItem<J extends AnyJob> = TriggerOptions<J> &
  (undefined extends JobInput<J>
    ? { readonly input?: JobInput<J> }
    : { readonly input: JobInput<J> })

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
