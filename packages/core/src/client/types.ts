/** The public shape of a client: what `createStepwell` returns. */
import type { Serializer } from '../codec/codec.js'
import type { Duration } from '../duration.js'
import type {
  Disposition,
  LogLevel,
  Order,
  Progress,
  RunStatus,
  SignalDisposition,
} from '../generated/protocol.js'
import type {
  AnyJob,
  Args,
  BatchItem,
  JobOutput,
  Labels,
  Resolve,
  RunOf,
  TriggerOptions,
} from '../infer.js'
import type { RegisteredContext } from '../step.js'
import type { LogLine, Step, StepwellStatus, TerminalStatus } from '../types.js'
import type { ClientCore } from './core.js'
import type {
  StepwellEvent,
  StepwellEventOf,
  StepwellEventType,
  StepwellRunEvent,
} from './events.js'

export interface StepwellOptions<M extends object> {
  /** The jobs: a record, or a module namespace (`import * as jobs`). Exports that are not jobs are ignored. */
  readonly jobs: M
  /** Makes the worker that runs the jobs. Left out: they run in the page, and a step that blocks blocks the page. */
  readonly worker?: () => Worker
  /**
   * Makes the engine's worker, where your bundler does not find the one in the package:
   * `() => new Worker(new URL('@stepwell/core/engine-worker', import.meta.url), { type: 'module' })`.
   */
  readonly engineWorker?: () => Worker
  /** Where you serve `stepwell_wasm_bg.wasm`, where your bundler does not find it. Relative to the page. */
  readonly wasmUrl?: string | URL
  /**
   * Whether one of the tabs that wait keeps an engine worker ready, with which it takes over faster, at the cost of its
   * memory (about 10 MB). Not on devices with less than 4 GB. Default false.
   */
  readonly standby?: boolean
  /** The database's name in this origin. Default `'stepwell'`. */
  readonly database?: string
  /** `'strict'` (default) survives power loss; `'relaxed'` is faster and survives a killed browser. */
  readonly durability?: 'strict' | 'relaxed'
  /** `'memory'`: nothing is kept, each tab is on its own. Default `'opfs'`. */
  readonly storage?: 'opfs' | 'memory'
  /** How many runs each executor works on at once: they share its thread. 1 to 1,000, default 1. */
  readonly concurrency?: number
  /**
   * How many workers run the jobs, so that steps that compute do so at the same time: `worker` is called for each. A
   * worker that dies is replaced, and the others go on. 1 to 16, default 1; more than 1 needs `worker`.
   */
  readonly executors?: number
  /**
   * Makes what jobs get as `step.context`, such as an access token. Asked for each time that a run starts or resumes;
   * may return a promise, for which the run waits. When it throws, the run fails. The value goes straight to the
   * executor, and is never stored, logged or exported. It must be cloneable, as for `postMessage`. In a page with several
   * clients of one database the newest client's function is asked.
   */
  readonly context?: () => RegisteredContext | Promise<RegisteredContext>
  /**
   * How long runs are kept after their end, with their steps, logs, files and children; `false`: for ever. Signals that
   * nobody waited for are kept as long. Default `'30d'`.
   */
  readonly retention?: Duration | false
  /** Stores richer values than strict JSON: superjson and devalue fit. Give the same one to `serveJobs`. */
  readonly serializer?: Serializer
  readonly limits?: LimitOptions
}

export interface LimitOptions {
  /** The most that an input, a step's result or an output may take, in bytes; Blobs and Files do not count. Default 4 MiB. */
  readonly payloadBytes?: number
  /** The most log lines that a run stores. Default 100,000. */
  readonly logLines?: number
}

export interface Triggered<J extends AnyJob> {
  readonly id: string
  readonly disposition: Disposition
  /** The run as it was committed. */
  readonly run: RunOf<J>
}

export interface TriggeredOutput<J extends AnyJob> {
  readonly id: string
  readonly disposition: Disposition
  readonly output: JobOutput<J>
}

/** What became of a signal. */
export interface Signalled {
  /**
   * `delivered`: a run waited for the key and goes on. `kept`: none does yet; the first one that waits for it gets it at
   * once. `ignored`: a signal is kept for that key already, and the first one stands.
   */
  readonly disposition: SignalDisposition
}

export interface WaitOptions {
  /** When to give up waiting (the run goes on): rejects with `timeout`. */
  readonly timeout?: Duration
  /** Gives up waiting (the run goes on): rejects with the signal's reason. Aborted before: nothing is triggered. */
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: Progress) => void
  readonly onLog?: (line: LogLine) => void
}

export interface RunsFilter<R> {
  readonly job?: R | readonly R[]
  readonly status?: RunStatus | readonly RunStatus[]
  /** Runs with all of these labels. */
  readonly labels?: Labels
  /** Triggered then or later: a `Date`, or milliseconds since 1970. */
  readonly createdAfter?: number | Date
  /** Triggered earlier. */
  readonly createdBefore?: number | Date
  /** A run's id: its children. `null`: only runs that have no parent. Left out: all. */
  readonly parent?: string | null
  /** `nextCursor` of the page before. */
  readonly cursor?: string
  /** 1 to 1,000; default 50. */
  readonly limit?: number
}

export interface LogsFilter {
  /** This level and above. */
  readonly level?: LogLevel
  /** `'asc'` (default): oldest first. */
  readonly order?: Order
  /** `nextCursor` of the page before. */
  readonly cursor?: number
  /** 1 to 10,000; default 1,000. */
  readonly limit?: number
}

export interface RunsPage<J extends AnyJob> {
  /** Newest first. */
  readonly runs: readonly RunOf<J>[]
  readonly nextCursor: string | null
}

export interface LogsPage {
  readonly logs: readonly LogLine[]
  readonly nextCursor: number | null
}

export interface PurgeOptions {
  /** The age since a run's end. */
  readonly olderThan: Duration
  /** How many to delete at most, the oldest first, their descendants not counted. Default: all. */
  readonly limit?: number
}

export interface ExportOptions {
  /** Whether the Blobs and Files in payloads go with the export. Default false: they are missing then. */
  readonly blobs?: boolean
  /**
   * Of the newest database that was set aside as damaged (`status.loss`), what can be saved: a sound database with the runs
   * that can be read. `not_found` where there is none. Default false: the database in use.
   */
  readonly damaged?: boolean
}

/** A run and its steps (without outputs) as they were read. */
export interface RunSnapshot<J extends AnyJob = AnyJob> {
  readonly type: 'snapshot'
  readonly run: RunOf<J>
  readonly steps: readonly Step[]
}

/** What `subscribe` tells: a snapshot, then events. */
export type RunUpdate<J extends AnyJob = AnyJob> = RunSnapshot<J> | StepwellRunEvent

/** For `for await`, which unsubscribes when it is left. */
export interface RunSubscription<J extends AnyJob = AnyJob> extends AsyncIterable<RunUpdate<J>> {
  next(): Promise<IteratorResult<RunUpdate<J>, undefined>>
  /** Unsubscribes. */
  return(): Promise<IteratorResult<RunUpdate<J>, undefined>>
  [Symbol.asyncIterator](): RunSubscription<J>
}

/** A run that has ended. */
export type TerminalRunOf<J> = Extract<RunOf<J>, { readonly status: TerminalStatus }>

/** `U`: the union of the client's jobs. */
export interface Stepwell<U extends AnyJob = AnyJob> {
  /**
   * Resolves once the run is committed as pending. A job is named by its definition or by its name. The disposition says
   * whether there is a new run: `created`, `idempotent` (the run of that idempotency key), `coalesced` (the pending run of
   * that concurrency key). Rejects with `conflict` where such a run is pending and `coalesce` was not asked for.
   */
  trigger<const R extends AnyJob | U['name']>(
    job: R,
    ...args: Args<Resolve<U, R>>
  ): Promise<Triggered<Resolve<U, R>>>
  /** Rejects with the run's failure (a `RunError`), with `cancelled`, or with `timeout`. */
  triggerAndWait<const R extends AnyJob | U['name']>(
    job: R,
    ...args: Args<Resolve<U, R>, TriggerOptions<Resolve<U, R>> & WaitOptions>
  ): Promise<TriggeredOutput<Resolve<U, R>>>
  /**
   * Triggers up to 1,000 runs of a job in one transaction, all or none; the results are in the order of the items. What is
   * wrong with an item is told with its index, before anything is sent.
   */
  batchTrigger<const R extends AnyJob | U['name']>(
    job: R,
    items: readonly BatchItem<Resolve<U, R>>[],
  ): Promise<readonly Triggered<Resolve<U, R>>[]>
  /**
   * A new run like one that has ended: its input, as today's schema takes it, its labels, concurrency key and priority; no
   * idempotency key. `conflict` while the old one is active. The stored input is what the schema once made: one that does
   * not take its own output (from text to a number) refuses it with `invalid_input`; trigger with the original input then.
   */
  retrigger<J extends AnyJob = U>(runId: string): Promise<Triggered<J>>
  /** `null`: there is no such run. */
  getRun<J extends AnyJob = U>(runId: string): Promise<RunOf<J> | null>
  getRuns<const R extends AnyJob | U['name'] = U>(
    filter?: RunsFilter<R>,
  ): Promise<RunsPage<Resolve<U, R>>>
  /** In the order of their outcomes, running ones last. */
  getSteps(runId: string, options?: { readonly outputs?: boolean }): Promise<readonly Step[]>
  getLogs(runId: string, filter?: LogsFilter): Promise<LogsPage>
  /** Resolves with the run when it has ended, however it ended; at once if it has. `not_found` if there is none. */
  waitForRun<J extends AnyJob = U>(runId: string, options?: WaitOptions): Promise<TerminalRunOf<J>>
  /**
   * The run as it is, then each event of it, until it ends or is deleted: `for await (const update of subscribe(id))`. No
   * change of state is missed or told twice; after an engine restart, or when the caller is more than some thousands of
   * events behind, comes a fresh snapshot, and of several progress events that wait only the latest. Begins with the
   * first `next`. Rejects with `not_found` if there is no such run.
   */
  subscribe<J extends AnyJob = U>(runId: string): RunSubscription<J>
  /** Ends a run, and all of its descendants that have not ended, as cancelled; `already_terminal` if it has ended. */
  cancel<J extends AnyJob = U>(runId: string): Promise<RunOf<J>>
  /**
   * Lets a failed or cancelled run go on from its failed step; children that did not complete are retried with it. A child
   * itself is a `conflict`: retry its parent, or `retrigger` it as a run of its own.
   */
  retry<J extends AnyJob = U>(runId: string): Promise<RunOf<J>>
  /**
   * Sends a value to the run that waits for the key by `step.waitForSignal`, or that will: a signal that comes early is
   * kept. An `Error` makes the step throw it. The value is what a step's result may be; left out it is `undefined`. The key
   * has 1 to 512 characters; where the step names none it is `runId:stepName`, as the run's `waitingFor.key` tells.
   */
  signal(key: string, value?: unknown): Promise<Signalled>
  /**
   * Gives jobs a new `step.context`: running ones see it at once, later ones from their start, until the next call, or
   * until the option `context` makes a newer one. The value is copied; one that cannot be (a function, …) throws
   * `not_serializable`. It is kept in this page only, so a run that resumes after a reload may start before you call
   * this: give the option `context` for what must be there from the start.
   */
  setContext(value: RegisteredContext): void
  /**
   * Deletes a run that has ended, with its steps, logs, labels, files and descendants. `conflict` while it, or a descendant,
   * is active, and for a child: delete the run at its root.
   */
  deleteRun(runId: string): Promise<void>
  /** Deletes runs that ended longer ago than that, with their descendants, which are not counted; how many there were. */
  purgeRuns(options: PurgeOptions): Promise<number>
  /**
   * Asks the browser never to delete this origin's data by itself, and says whether it agreed. Some browsers ask the user:
   * call it from an event handler. What it agreed to is in `status.storage`. Rejects with `storage_unavailable` where
   * nothing is stored: on a server, in an insecure context, with `storage: 'memory'`.
   */
  persist(): Promise<boolean>
  /**
   * The database as a plain SQLite file, which the `sqlite3` command opens. Works too where the engine was stopped as
   * `faulted`, and where a newer build wrote the database.
   */
  exportDatabase(options?: ExportOptions): Promise<Uint8Array<ArrayBuffer>>
  /**
   * Replaces the database by an export, after checks; `storage_corrupt` or `schema_too_new`, and nothing changed, where
   * they fail. Runs that had not ended go on.
   */
  importDatabase(file: Uint8Array<ArrayBuffer> | ArrayBuffer | Blob): Promise<void>
  /** Calls `listener` with each event of that type, or with all for `'*'`, until the returned function is called. */
  on<T extends StepwellEventType>(
    type: T,
    listener: (event: StepwellEventOf<T>) => void,
  ): () => void
  on(type: '*', listener: (event: StepwellEvent) => void): () => void
  readonly status: StepwellStatus
  /** Calls `listener` after each change of `status`, until the returned function is called. */
  onStatus(listener: (status: StepwellStatus) => void): () => void
  /** Open commands reject; resolves when the engine of this tab, if nobody else uses it, was let go. Runs go on later. */
  close(): Promise<void>
  /** For bindings, through the `observe…` functions. */
  readonly '~core': ClientCore
}
