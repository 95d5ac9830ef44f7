/**
 * What hooks show. One shape for `useJob` and `useRun`: a union discriminated by `status`, with literal `isLoading`,
 * `isActive` and `isTerminal` on each member.
 */
import type { Triggered, TriggeredOutput, WaitOptions } from '../client/types.js'
import type { Observable } from '../connection.js'
import type { StepwellError } from '../errors.js'
import type { LogLevel } from '../generated/protocol.js'
import type { AnyJob, Args, JobOutput, Run, TriggerOptions } from '../infer.js'
import type { LogLine, Progress, RunFailure, Step } from '../types.js'

/** With the snapshot for a server and for hydration, as `useSyncExternalStore` wants it. */
export interface Observer<T> extends Observable<T> {
  getServer(): T
}

export interface RunActions<J extends AnyJob> {
  /** Its promise counts as handled: a rejection raises no `unhandledrejection`, but can be awaited. */
  readonly cancel: () => Promise<Run<J>>
  /** Lets a failed or cancelled run go on from its failed step. Handled like that of `cancel`. */
  readonly retry: () => Promise<Run<J>>
}

interface Nothing {
  readonly run: null
  readonly output?: undefined
  readonly progress: null
  readonly steps: readonly Step[]
}

interface Something {
  readonly progress: Progress | null
  /** Without outputs; `client.getSteps(id, { outputs: true })` reads them. */
  readonly steps: readonly Step[]
}

interface Loading {
  readonly isLoading: true
  readonly isActive: false
  readonly isTerminal: false
}
interface Inert {
  readonly isLoading: false
  readonly isActive: false
  readonly isTerminal: false
}
interface Active {
  readonly isLoading: false
  readonly isActive: true
  readonly isTerminal: false
  readonly output?: undefined
  readonly error?: undefined
}
interface Terminal {
  readonly isLoading: false
  readonly isActive: false
  readonly isTerminal: true
}

type RunIn<J extends AnyJob, S> = Extract<Run<J>, { readonly status: S }>

/** A run as it stands, without functions. */
export type RunState<J extends AnyJob = AnyJob> =
  /** No answer yet; also on a server. */
  | ({ readonly status: 'loading'; readonly error?: undefined } & Nothing & Loading)
  /** There is nothing to show: no run was named, triggered or found active. */
  | ({ readonly status: 'idle'; readonly error?: undefined } & Nothing & Inert)
  /** There is no run of that id. */
  | ({ readonly status: 'missing'; readonly error?: undefined } & Nothing & Inert)
  /** The engine cannot be reached; `error` says why and what to do. */
  | ({ readonly status: 'unavailable'; readonly error: StepwellError } & Nothing & Inert)
  /** `run` is `null` between `trigger` and its answer. */
  | ({ readonly status: 'pending'; readonly run: RunIn<J, 'pending'> | null } & Something & Active)
  | ({ readonly status: 'running'; readonly run: RunIn<J, 'running'> } & Something & Active)
  | ({ readonly status: 'waiting'; readonly run: RunIn<J, 'waiting'> } & Something & Active)
  | ({
      readonly status: 'completed'
      readonly run: RunIn<J, 'completed'>
      readonly output: JobOutput<J>
      readonly error?: undefined
    } & Something &
      Terminal)
  | ({
      readonly status: 'failed'
      readonly run: RunIn<J, 'failed'>
      readonly error: RunFailure
      readonly output?: undefined
    } & Something &
      Terminal)
  | ({
      readonly status: 'cancelled'
      readonly run: RunIn<J, 'cancelled'>
      readonly error?: undefined
      readonly output?: undefined
    } & Something &
      Terminal)

/** What `useRun` returns. Distributes over a union of jobs. */
export type RunView<J extends AnyJob = AnyJob> = J extends AnyJob
  ? RunState<J> & RunActions<J>
  : never

export interface JobActions<J extends AnyJob> {
  /** The run that is shown; `null` for none, and between `trigger` and its answer. */
  readonly runId: string | null
  /** Why the latest `trigger` failed, until the next one or `reset`. */
  readonly triggerError: StepwellError | null
  /** From the call on `status` is `'pending'`. Its promise counts as handled, and still rejects when awaited. */
  readonly trigger: (...args: Args<J>) => Promise<Triggered<J>>
  readonly triggerAndWait: (
    ...args: Args<J, TriggerOptions<J> & WaitOptions>
  ) => Promise<TriggeredOutput<J>>
  /** Shows nothing (`'idle'`). The run goes on. */
  readonly reset: () => void
}

/** What `useJob` returns. Distributes over a union of jobs. */
export type JobView<J extends AnyJob = AnyJob> = J extends AnyJob
  ? RunState<J> & RunActions<J> & JobActions<J>
  : never

export interface ObserveJobOptions {
  /** Whether to attach to the newest active run of the job. Default true. */
  readonly autoResume?: boolean
  /** A run to show from the start, instead of looking for an active one. */
  readonly initialRunId?: string
}

export interface ObserveLogsOptions {
  /** This level and above. Default: all. */
  readonly level?: LogLevel
  /** How many lines to hold; the oldest are dropped. 1 to 10,000; default 1,000. */
  readonly limit?: number
}

/** What `useRunLogs` returns. */
export interface LogsView {
  /** `'unavailable'` comes with `error`. */
  readonly status: 'loading' | 'idle' | 'ready' | 'unavailable'
  readonly error: StepwellError | null
  /** Oldest first. */
  readonly logs: readonly LogLine[]
  /** Lines that came and no longer fit; `loadOlder` reads them again. */
  readonly droppedCount: number
  /** Whether there are stored lines before the first that is shown. */
  readonly hasOlder: boolean
  /** Reads a page of older lines; the limit grows by it. Handled like the promise of `trigger`. */
  readonly loadOlder: () => Promise<void>
  /** Shows only what comes from now on. Stored lines stay stored, and `loadOlder` reads them. */
  readonly clear: () => void
}
