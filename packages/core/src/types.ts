/**
 * The public types that are not generated. Generated ones (times are integer milliseconds, ids are strings) are used as
 * they are wherever a user's value does not come in.
 */

import type { StepwellError } from './errors.js'
import type {
  ErrorInfo,
  FailureCode,
  LogLevel,
  Progress,
  RunStatus,
  StepKind,
} from './generated/protocol.js'

export type { Disposition, LogLevel, Progress, RunStatus } from './generated/protocol.js'

/** Where the data lives and whether the browser may throw it away. */
export type StorageState = 'persistent' | 'best-effort' | 'memory' | 'unavailable'

/** The engine's and the connection's state, as `client.status` and `useStepwellStatus` tell it. */
export interface StepwellStatus {
  /** `unavailable` comes with `error`. On a server the state stays `connecting`. */
  readonly state: 'connecting' | 'ready' | 'unavailable' | 'closed'
  /** `leader`: the engine runs in this tab. `follower`: in another one. `none`: not known yet, or memory storage. */
  readonly role: 'leader' | 'follower' | 'none'
  readonly storage: StorageState
  readonly durability: 'strict' | 'relaxed'
  /** The engine's session in this database; `null` before the first answer. */
  readonly epoch: number | null
  /** Why no work is done for now (a full disk, …); the engine tries again by itself. */
  readonly paused: ErrorInfo | null
  /** Jobs that have pending runs and that this tab's code does not define. */
  readonly unservedJobs: readonly string[]
  readonly error: StepwellError | null
}

/** Why a run failed: data on the run, not an exception. */
export interface RunFailure {
  readonly name: string
  readonly message: string
  readonly stack?: string
  readonly code: FailureCode
  /** The attempt of the step that failed, or of the run where none did. */
  readonly attempt: number
  readonly stepName?: string
}

/** A step as it is stored, or as it runs now. */
export interface Step {
  readonly name: string
  readonly kind: StepKind
  readonly status: 'running' | 'completed' | 'failed' | 'pending'
  /** Its place in the order of outcomes, from 0. */
  readonly completedIndex: number | null
  readonly attempt: number
  /** Only where outputs were asked for. */
  readonly output?: unknown
  readonly error?: RunFailure
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
  /** 1-based; rises with `retry`. */
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

/** A run, discriminated by `status`. `N`: the job's name, `In`: its parsed input, `Out`: its output. */
export type RunData<N extends string, In, Out> = RunBase<N, In> &
  (
    | ({ readonly status: 'pending' } & Open)
    | ({ readonly status: 'running' } & Open)
    | ({ readonly status: 'waiting' } & Open)
    | {
        readonly status: 'completed'
        readonly completedAt: number
        readonly output: Out
        readonly error?: undefined
      }
    | {
        readonly status: 'failed'
        readonly completedAt: number
        readonly error: RunFailure
        readonly output?: undefined
      }
    | {
        readonly status: 'cancelled'
        readonly completedAt: number
        readonly error?: undefined
        readonly output?: undefined
      }
  )

/** The statuses that a run does not leave but by `retry`. */
export type TerminalStatus = Extract<RunStatus, 'completed' | 'failed' | 'cancelled'>
