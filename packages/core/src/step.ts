/** What a job's function is given. The executor implements it. */
import type { Duration } from './duration.js'
import type { Register } from './index.js'
import type { AnyJob, Args, JobInput, JobOutput, Labels, TriggerOptions } from './infer.js'
import type { RetryOptions } from './retry.js'
import type { RunFailure } from './types.js'

/** The type of `step.context` that is registered; `unknown` where none is. */
export type RegisteredContext = Register extends { readonly context: infer C } ? C : unknown

/** Writes lines to the run's log. `data` is a value as a step's result is, but without Blobs and Files. */
export interface StepLog {
  debug(message: string, data?: unknown): void
  info(message: string, data?: unknown): void
  warn(message: string, data?: unknown): void
  error(message: string, data?: unknown): void
}

/** What a step's function is given. */
export interface StepContext {
  /**
   * Fires when the step's time is up, and when the run is cancelled, its lease is lost or its function has ended: hand it
   * to `fetch` and the like.
   */
  readonly signal: AbortSignal
  /** 1-based; rises when the step failed and is tried again. */
  readonly attempt: number
  /** `runId:stepName`, the same for all attempts: give it to services, so that a body that runs again after a crash has no second effect. */
  readonly idempotencyKey: string
  /** Lines that carry this step's name. */
  readonly log: StepLog
  /** The same as `step.progress`. */
  progress(current: number, total?: number, message?: string): void
}

export interface StepOptions {
  /** Left out: a failure is final. */
  readonly retry?: RetryOptions
  /**
   * How long an attempt may take. Then its signal fires, and it fails with `timeout`, which is tried again like any other
   * failure. A function that does not yield is ended together with its worker; other runs there go on.
   */
  readonly timeout?: Duration
  /** `'online'`: while the browser is offline the step waits. That uses no attempt. */
  readonly network?: 'online'
}

export interface MapOptions extends StepOptions {
  /** How many are at work at once. 1 to 1,000; default: all. */
  readonly concurrency?: number
}

export interface SignalOptions {
  /** What `client.signal` names. Left out: `runId:name`, which no other wait has. */
  readonly key?: string
  /** Left out: it waits for as long as it takes. */
  readonly timeout?: Duration
}

/** What became of a wait for a signal. */
export type SignalResult<T> =
  | { readonly received: true; readonly value: T }
  | { readonly received: false; readonly reason: 'timeout' }

/** The options of a trigger that a child can have: it is found by its parent, not by a key of its own. */
export type InvokeOptions<J extends AnyJob = AnyJob> = Omit<
  TriggerOptions<J>,
  'idempotencyKey' | 'coalesce'
>

/** One child of `invokeAll`: the job, its input, and options beside them. */
export type InvokeCall<J extends AnyJob = AnyJob> = InvokeOptions<J> & {
  readonly job: J
} & (undefined extends JobInput<J>
    ? { readonly input?: JobInput<J> }
    : { readonly input: JobInput<J> })

/** How a child ended. */
export type Settled<Out> =
  | { readonly status: 'completed'; readonly runId: string; readonly output: Out }
  | { readonly status: 'failed'; readonly runId: string; readonly error: RunFailure }
  | { readonly status: 'cancelled'; readonly runId: string }

/** A run's steps, progress and log, from inside its job's function. */
export interface Step {
  /**
   * Runs `fn` and stores its result; on a replay the stored result is returned and `fn` is not called. The name is the
   * step's identity: unique in a run, and the same on each replay. The result is strict JSON, with Uint8Arrays,
   * ArrayBuffers, Blobs and Files anywhere in its objects and arrays; richer values need the option `serializer`.
   */
  run<V>(
    name: string,
    fn: (context: StepContext) => V | Promise<V>,
    options?: StepOptions,
  ): Promise<V>
  /** Waits so long, over reloads and restarts too. The run takes no room meanwhile. */
  sleep(name: string, duration: Duration): Promise<void>
  /** Waits until then: a `Date`, or milliseconds since 1970. */
  sleepUntil(name: string, at: Date | number): Promise<void>
  /**
   * Waits for `client.signal(key, value)`. A signal that came before the wait is taken at once. A key belongs to one open
   * wait at a time. Rejects with the error where one was signalled.
   */
  waitForSignal<T = unknown>(name: string, options?: SignalOptions): Promise<SignalResult<T>>
  /**
   * Runs another job as a child of this run, and returns its output. Rejects with the child's failure. A child is made
   * once, however often this function is replayed; it is cancelled when this run fails or is cancelled.
   */
  invoke<J extends AnyJob>(
    name: string,
    job: J,
    ...args: Args<J, InvokeOptions<J>>
  ): Promise<JobOutput<J>>
  /**
   * Runs up to 1,000 children at once, and returns their outputs in the order of the calls. The first failure cancels
   * the others and is thrown; with `mode: 'settled'` all of them end, and how each ended is returned.
   */
  invokeAll<const Js extends readonly AnyJob[]>(
    name: string,
    calls: { readonly [K in keyof Js]: InvokeCall<Js[K]> },
    options: { readonly mode: 'settled' },
  ): Promise<{ -readonly [K in keyof Js]: Settled<JobOutput<Js[K]>> }>
  invokeAll<const Js extends readonly AnyJob[]>(
    name: string,
    calls: { readonly [K in keyof Js]: InvokeCall<Js[K]> },
    options?: { readonly mode?: 'failFast' },
  ): Promise<{ -readonly [K in keyof Js]: JobOutput<Js[K]> }>
  /**
   * Runs `fn` as one step for each item, named `name:0`, `name:1`, …, and returns the results in the order of the items.
   * The first failure aborts those at work, of which nothing is stored, and is thrown; those that are done stay done.
   */
  map<T, V>(
    name: string,
    items: readonly T[],
    fn: (item: T, context: StepContext, index: number) => V | Promise<V>,
    options?: MapOptions,
  ): Promise<V[]>
  /** How far the run has come. Never throws for being called often: calls are merged. */
  progress(current: number, total?: number, message?: string): void
  readonly log: StepLog
  /** Fires when the run's time is up, and when the run is cancelled or its lease is lost. */
  readonly signal: AbortSignal
  /** Throws the signal's reason once the run was cancelled or its lease lost: call it in long loops. */
  throwIfAborted(): void
  readonly runId: string
  /** The run's attempt: 1-based; rises when the run failed and is tried again. */
  readonly attempt: number
  /** The run's labels. */
  readonly labels: Labels
  /**
   * What the page gives to jobs by the option `context` or by `setContext`, such as an access token: read it where you
   * use it, because it changes while the run goes on. It is never stored: do not return it from a step, nor log it. Typed
   * by `declare module '@stepwell/core' { interface Register { context: { token: string } } }`; it is `undefined` where
   * the page gives nothing, whatever the type says.
   */
  readonly context: RegisteredContext
}
