/** What a job's function is given. The executor implements it. */
import type { Register } from './index.js'
import type { Labels } from './infer.js'

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
  /** Fires when the run is cancelled or its lease is lost: hand it to `fetch` and the like. */
  readonly signal: AbortSignal
  /** 1-based; rises when the step failed and the run was retried. */
  readonly attempt: number
  /** `runId:stepName`, the same for all attempts: give it to services, so that a body that runs again after a crash has no second effect. */
  readonly idempotencyKey: string
  /** Lines that carry this step's name. */
  readonly log: StepLog
  /** The same as `step.progress`. */
  progress(current: number, total?: number, message?: string): void
}

/** A run's steps, progress and log, from inside its job's function. */
export interface Step {
  /**
   * Runs `fn` and stores its result; on a replay the stored result is returned and `fn` is not called. The name is the
   * step's identity: unique in a run, and the same on each replay. The result is strict JSON, with Uint8Arrays,
   * ArrayBuffers, Blobs and Files anywhere in its objects and arrays; richer values need the option `serializer`.
   */
  run<V>(name: string, fn: (context: StepContext) => V | Promise<V>): Promise<V>
  /** How far the run has come. Never throws for being called often: calls are merged. */
  progress(current: number, total?: number, message?: string): void
  readonly log: StepLog
  readonly signal: AbortSignal
  /** Throws the signal's reason once the run was cancelled or its lease lost: call it in long loops. */
  throwIfAborted(): void
  readonly runId: string
  /** The run's attempt: 1-based; rises with `retry`. */
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
