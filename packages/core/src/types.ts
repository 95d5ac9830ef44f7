/**
 * The public types that are not generated. Generated ones (times are integer milliseconds, ids are strings) are used as
 * they are wherever a user's value does not come in.
 */

import type { StepwellError } from './errors.js'
import type {
  ErrorInfo,
  FailureCause,
  FailureCode,
  LogLevel,
  Progress,
  RetryPolicy,
  RunStatus,
  StepKind,
  StepStatus,
} from './generated/protocol.js'

export type {
  Disposition,
  FailureCause,
  FailureCode,
  LogLevel,
  Progress,
  RetryPolicy,
  RunStatus,
  SignalDisposition,
  StepKind,
  StepStatus,
} from './generated/protocol.js'

/** Where the data lives and whether the browser may throw it away. */
export type StorageState = 'persistent' | 'best-effort' | 'memory' | 'unavailable'

/** In bytes. */
export interface StorageQuota {
  readonly usage: number
  readonly quota: number
}

/** What happened to a database that was there before. */
export interface StorageLoss {
  /**
   * `evicted`: the browser deleted it to make room. `damaged`: it could not be read, was set aside, and
   * `exportDatabase({ damaged: true })` gives what can be saved of it. Either way an empty one took its place.
   */
  readonly kind: 'evicted' | 'damaged'
  /** When it was noticed. */
  readonly at: number
  readonly message: string
}

/** The engine's and the connection's state, as `client.status` and `useStepwellStatus` tell it. */
export interface StepwellStatus {
  /** `unavailable` comes with `error`. On a server the state stays `connecting`. */
  readonly state: 'connecting' | 'ready' | 'unavailable' | 'closed'
  /** `leader`: the engine runs in this tab. `follower`: in another one. `none`: not known yet, or memory storage. */
  readonly role: 'leader' | 'follower' | 'none'
  readonly storage: StorageState
  /** What this origin uses and may use of the disk, as the browser estimates it; `null` before the first answer. */
  readonly quota: StorageQuota | null
  /** What was lost of this database, until `close` or a reload; `null`: nothing that is known of. */
  readonly loss: StorageLoss | null
  readonly durability: 'strict' | 'relaxed'
  /** The engine's session in this database; `null` before the first answer. */
  readonly epoch: number | null
  /** Why no work is done for now (a full disk, …); the engine tries again by itself. */
  readonly paused: ErrorInfo | null
  /** Jobs that have pending runs and that the leading tab's code does not define. A tab that has them takes over. */
  readonly unservedJobs: readonly string[]
  readonly error: StepwellError | null
}

/** Why a run failed: data on the run, not an exception. */
export interface RunFailure {
  readonly name: string
  readonly message: string
  readonly stack?: string
  /** The chain of `cause`, outermost first; empty where there was none. */
  readonly causes: readonly FailureCause[]
  readonly code: FailureCode
  /** The attempt of the step that failed, or of the run where none did. */
  readonly attempt: number
  readonly stepName?: string
}

/**
 * What a run or a step waits for, discriminated by `kind`. `until` is the time at which the wait ends by itself. Of a run,
 * `stepName` is `null` where no step but the run itself waits.
 */
export type WaitingFor =
  | {
      readonly kind: 'retry'
      readonly stepName: string | null
      /** The attempt that will be made. */
      readonly attempt: number
      readonly until: number
      /** Why the attempt before failed. */
      readonly error: RunFailure
    }
  | { readonly kind: 'sleep'; readonly stepName: string; readonly until: number }
  | {
      readonly kind: 'signal'
      readonly stepName: string
      /** What to give to `client.signal`. */
      readonly key: string
      /** `null`: it waits for as long as it takes. */
      readonly until: number | null
    }
  | {
      readonly kind: 'children'
      readonly stepName: string
      /** How many children the step has. */
      readonly count: number
    }
  | {
      /** Until the browser is online. */
      readonly kind: 'network'
      readonly stepName: string | null
    }

/** A child of a step, as its parent sees it. */
export interface StepChild {
  readonly runId: string
  readonly jobName: string
  readonly status: RunStatus
  /** Of a completed child. */
  readonly output?: unknown
  /** Of a failed child. */
  readonly error?: RunFailure
}

/** A step as it is stored, or as it runs now. */
export interface Step {
  readonly name: string
  /** The call that made it: `step.run` and `step.map`, `step.sleep`, `step.waitForSignal`, or `step.invoke`. */
  readonly kind: StepKind
  /** `pending`: it has to run, again or at all. */
  readonly status: StepStatus
  /** Its place in the order of outcomes, from 0. */
  readonly completedIndex: number | null
  readonly attempt: number
  /** Only where outputs were asked for. A sleep, children, and a signal that did not come in time have none. */
  readonly output?: unknown
  /** Of a failed step, and of one that is tried again. */
  readonly error?: RunFailure
  /** Of a waiting step. */
  readonly waitingFor?: WaitingFor
  /** Of a step of kind `invoke`, where outputs were asked for: its children in the order of the call. */
  readonly children?: readonly StepChild[]
  readonly startedAt: number
  readonly completedAt: number | null
}

/** A stored log line. Lines of a run are ordered by `id`. */
export interface LogLine {
  readonly id: number
  readonly runId: string
  readonly level: LogLevel
  readonly message: string
  readonly data?: unknown
  /** The step that wrote it; `null` between steps. */
  readonly stepName: string | null
  readonly attempt: number
  readonly timestamp: number
}

interface RunBase<N extends string, In> {
  readonly id: string
  readonly jobName: N
  readonly input: In
  readonly progress: Progress | null
  /** 1-based; rises with `retry`, and with each attempt of the job's retry policy. */
  readonly attempt: number
  readonly version: number
  /** Consecutive recoveries from an interruption without a newly committed step. */
  readonly recoveries: number
  readonly stepCount: number
  /** How many log lines are stored. */
  readonly logCount: number
  readonly labels: Readonly<Record<string, string>>
  /** Greater ones start first. */
  readonly priority: number
  /** Unique in its job; `null` where the trigger gave none. */
  readonly idempotencyKey: string | null
  /** At most one run of the job and key is at work, and one more pending. */
  readonly concurrencyKey: string | null
  /** How its own failures are tried again: its job's policy when it was triggered. `maxAttempts: 1` means not at all. */
  readonly retry: RetryPolicy
  /** How long an attempt may be at work, in milliseconds, waits not counted; `null`: no limit. */
  readonly timeoutMs: number | null
  /** The run whose step made this one; `null` where it was triggered by itself. */
  readonly parentId: string | null
  /** The run at the top: this one itself where it has no parent. */
  readonly rootId: string
  /** The parent's step that made it; `null` where it has no parent. */
  readonly parentStep: string | null
  /** Its place among the children of that step, from 0; `null` where it has no parent. */
  readonly childIndex: number | null
  readonly createdAt: number
  /** When it may start: later than `createdAt` where the trigger asked for a delay. */
  readonly startAt: number
  readonly updatedAt: number
  readonly startedAt: number | null
  /**
   * In lists: why the input or output cannot be read (a serializer that is not given here, a file that is gone). They are
   * `undefined` then, and the run can still be found and deleted. Where one run is asked for, this is thrown instead.
   */
  readonly unreadable?: StepwellError
}

type Open = { readonly completedAt: null; readonly output?: undefined; readonly error?: undefined }
type NotWaiting = { readonly waitingFor?: undefined }

/** A run, discriminated by `status`. `N`: the job's name, `In`: its parsed input, `Out`: its output. */
export type RunData<N extends string, In, Out> = RunBase<N, In> &
  (
    | ({ readonly status: 'pending' } & Open & NotWaiting)
    | ({ readonly status: 'running' } & Open & NotWaiting)
    | ({
        readonly status: 'waiting'
        /** Where it waits for several things, the one to show. */
        readonly waitingFor: WaitingFor
      } & Open)
    | ({
        readonly status: 'completed'
        readonly completedAt: number
        readonly output: Out
        readonly error?: undefined
      } & NotWaiting)
    | ({
        readonly status: 'failed'
        readonly completedAt: number
        readonly error: RunFailure
        readonly output?: undefined
      } & NotWaiting)
    | ({
        readonly status: 'cancelled'
        readonly completedAt: number
        readonly error?: undefined
        readonly output?: undefined
      } & NotWaiting)
  )

/** The statuses that a run does not leave but by `retry`. */
export type TerminalStatus = Extract<RunStatus, 'completed' | 'failed' | 'cancelled'>
