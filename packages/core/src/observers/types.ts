/**
 * What hooks show. One shape for `useJob` and `useRun`: a union discriminated by `status`, with literal `isLoading`,
 * `isActive` and `isTerminal` on each member.
 */
import type {
  RunsFilter,
  Signalled,
  Triggered,
  TriggeredOutput,
  WaitOptions,
} from '../client/types.js'
import type { Observable } from '../connection.js'
import type { StepwellError } from '../errors.js'
import type { LogLevel, RunStatus, SignalDisposition } from '../generated/protocol.js'
import type { AnyJob, Args, JobLabels, JobOutput, Run, RunOf, TriggerOptions } from '../infer.js'
import type { LogLine, Progress, RunFailure, Step, WaitingFor } from '../types.js'

/** With the snapshot for a server and for hydration, as `useSyncExternalStore` wants it. */
export interface Observer<T> extends Observable<T> {
  getServer(): T
}

export interface RunActions<J extends AnyJob> {
  /** Its promise counts as handled: a rejection raises no `unhandledrejection`, but can be awaited. */
  readonly cancel: () => Promise<Run<J>>
  /** Lets a failed or cancelled run go on from its failed step. Handled like that of `cancel`. */
  readonly retry: () => Promise<Run<J>>
  /**
   * Triggers a fresh run with the same input, labels, concurrency key and priority; only of a run that has ended. `useJob`
   * shows the fresh run, as after its `trigger`; `useRun` goes on to show the run of its id, and the promise has the fresh
   * one's. Handled like that of `cancel`.
   */
  readonly retrigger: () => Promise<Triggered<J>>
}

interface Nothing {
  readonly run: null
  readonly output?: undefined
  readonly progress: null
  readonly steps: readonly Step[]
  readonly waitingFor: null
  readonly children: readonly ChildView[]
}

interface Something {
  readonly progress: Progress | null
  /** Without outputs; `client.getSteps(id, { outputs: true })` reads them. */
  readonly steps: readonly Step[]
  /**
   * The runs that this one invoked, by step, in the order in which the steps were called, and by their place in the call.
   * Of more than 1,000 the newest. The array and each child in it keep their reference until they change.
   */
  readonly children: readonly ChildView[]
}

/** A child of a run: what a row or a cell of it needs. `useRun(runId)` has all of it. */
export interface ChildView {
  readonly runId: string
  readonly jobName: string
  /** The step of the parent that invoked it. */
  readonly stepName: string
  /** Its place among the children of that step, from 0. */
  readonly index: number
  readonly status: RunStatus
}

/** It does not wait: not now. */
interface Unwaiting {
  readonly waitingFor: null
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
  /** There is no run of that id, or no more: it was deleted. */
  | ({ readonly status: 'missing'; readonly error?: undefined } & Nothing & Inert)
  /** The engine cannot be reached; `error` says why and what to do. */
  | ({ readonly status: 'unavailable'; readonly error: StepwellError } & Nothing & Inert)
  /** `run` is `null` between `trigger` and its answer. */
  | ({ readonly status: 'pending'; readonly run: RunIn<J, 'pending'> | null } & Something &
      Unwaiting &
      Active)
  | ({ readonly status: 'running'; readonly run: RunIn<J, 'running'> } & Something &
      Unwaiting &
      Active)
  /** `waitingFor` says what for: `'retry'`, `'sleep'`, `'signal'`, `'children'` or `'network'`. */
  | ({
      readonly status: 'waiting'
      readonly run: RunIn<J, 'waiting'>
      readonly waitingFor: WaitingFor
    } & Something &
      Active)
  | ({
      readonly status: 'completed'
      readonly run: RunIn<J, 'completed'>
      readonly output: JobOutput<J>
      readonly error?: undefined
    } & Something &
      Unwaiting &
      Terminal)
  | ({
      readonly status: 'failed'
      readonly run: RunIn<J, 'failed'>
      readonly error: RunFailure
      readonly output?: undefined
    } & Something &
      Unwaiting &
      Terminal)
  | ({
      readonly status: 'cancelled'
      readonly run: RunIn<J, 'cancelled'>
      readonly error?: undefined
      readonly output?: undefined
    } & Something &
      Unwaiting &
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
  readonly trigger: (...args: Args<J, JobTriggerOptions<J>>) => Promise<Triggered<J>>
  readonly triggerAndWait: (
    ...args: Args<J, JobTriggerOptions<J> & WaitOptions>
  ) => Promise<TriggeredOutput<J>>
  /** Shows nothing (`'idle'`). The run goes on. */
  readonly reset: () => void
}

/** What `useJob` returns. Distributes over a union of jobs. */
export type JobView<J extends AnyJob = AnyJob> = J extends AnyJob
  ? RunState<J> & RunActions<J> & JobActions<J>
  : never

/** The options of a hook's trigger. Labels that the job's schema needs may come from the hook or from the call. */
export type JobTriggerOptions<J extends AnyJob = AnyJob> = Omit<TriggerOptions<J>, 'labels'> & {
  readonly labels?: Partial<JobLabels<J>>
}

/**
 * The options of a trigger are defaults for the triggers of this hook, each overridden by that of a call; labels are
 * merged one by one. `labels` and `concurrencyKey` also say which runs of the job are meant by `autoResume` and
 * `followLatest`.
 */
export type ObserveJobOptions<J extends AnyJob = AnyJob> = JobTriggerOptions<J> & {
  /** Whether to attach to the newest active run of the job that is no child of another run. Default true. */
  readonly autoResume?: boolean
  /**
   * Whether to switch to a newer run of the job once one is triggered elsewhere: by another component, a `retrigger` or
   * the client itself. Default false.
   */
  readonly followLatest?: boolean
  /** A run to show from the start, instead of looking for an active one. */
  readonly initialRunId?: string
}

/** With the trigger options that hold from now on, for they change from render to render. */
export interface JobObserver<J extends AnyJob = AnyJob> extends Observer<JobView<J>> {
  setDefaults(options: JobTriggerOptions<J>): void
}

/** With a promise for React's Suspense. */
export interface RunObserver<J extends AnyJob = AnyJob> extends Observer<RunView<J>> {
  /** Reads the run, if need be, and resolves once its status is not `loading`; the same promise until then. */
  loaded(): Promise<void>
}

/** A run that was read: what `useSuspenseRun` returns. */
export type LoadedRunView<J extends AnyJob = AnyJob> = Exclude<
  RunView<J>,
  { readonly status: 'loading' | 'idle' | 'unavailable' }
>

/** Which runs `useRuns` lists: as `getRuns` takes it, but for the cursor. */
export type ObserveRunsFilter<R> = Omit<RunsFilter<R>, 'cursor'>

/** What `useRuns` returns. */
export interface RunsView<J extends AnyJob = AnyJob> {
  /** `'unavailable'`: `error` says why; what was read before is still in `runs`. */
  readonly status: 'loading' | 'ready' | 'unavailable'
  /** With `'ready'`: why the last page, or a change, could not be read. */
  readonly error: StepwellError | null
  /**
   * Newest first, as many as the filter's limit for each page. The array and each run in it keep their reference until
   * they change. What changes without an event of the run, its `logCount`, is as it was read last.
   */
  readonly runs: readonly RunOf<J>[]
  /** Whether there are older runs. */
  readonly hasNextPage: boolean
  readonly isFetchingNextPage: boolean
  /** Adds a page of older runs. Handled like the promise of `trigger`. */
  readonly fetchNextPage: () => Promise<void>
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

/** What `useSignal` returns. */
export interface SignalView<T = unknown> {
  /**
   * Sends a value to the run that waits for the key, or an error, which its wait then throws. Resolves with what became of
   * it, once that is committed. Handled like the promise of `trigger`.
   */
  readonly send: (...args: SignalArgs<T>) => Promise<Signalled>
  readonly isSending: boolean
  /**
   * What became of the latest signal that was sent: `'delivered'` to a wait, `'kept'` for the first one that opens, or
   * `'ignored'` because another one of the key is kept. `null` before that.
   */
  readonly disposition: SignalDisposition | null
  /** Why the latest could not be sent, until the next `send`. */
  readonly error: StepwellError | null
}

/** The value may be left out where it may be `undefined`. */
type SignalArgs<T> = undefined extends T ? [value?: T | Error] : [value: T | Error]
