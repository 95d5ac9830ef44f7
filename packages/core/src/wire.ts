/**
 * Every message between the page, the engine worker and an executor, in one place. (Between tabs: `channels.ts`.)
 *
 * - page ↔ engine worker: the worker's own channel. One array of requests per microtask checkpoint goes out; one
 *   `output` per flush comes back.
 * - executor ↔ engine worker: a `MessagePort` of which the page hands one end to each: `FromExecutor` one way,
 *   `ToExecutor` the other.
 * - page → executor worker: `ConnectExecutor`, again with a new port after each engine restart.
 *
 * Control types are generated from Rust (`generated/protocol.ts`); user values cross as payloads (`codec/`). Blobs and
 * Files cross beside the messages whose payloads name them: the browser hands over a reference and copies nothing.
 */
import type { NewBlob } from './codec/codec.js'
import type {
  BlobId,
  ClientReply,
  ClientRequest,
  EngineMessage,
  EngineStatus,
  Epoch,
  ErrorInfo,
  ExecutorEnvelope,
  ExecutorId,
  RequestId,
  RunEvent,
} from './generated/protocol.js'
import { PROTOCOL_VERSION } from './generated/protocol.js'
import type { StorageLoss } from './types.js'

/** Two parts talk only if they were built together. */
export const BUILD_ID = `0.1.0/${PROTOCOL_VERSION}`

export type Durability = 'strict' | 'relaxed'
export type StorageMode = 'opfs' | 'memory'

export interface OpenEngine {
  readonly type: 'stepwell:open'
  readonly buildId: string
  readonly database: string
  readonly durability: Durability
  readonly storage: StorageMode
  /** How many executors will say hello. Until they have, or 1 s has passed, nothing is claimed. */
  readonly expectedExecutors: number
  readonly payloadBytesMax: number
  /** When runs that have ended are deleted; `null`: never. */
  readonly retentionMs: number | null
  /** The id under which replies to this page are addressed. */
  readonly clientId: string
  /** The jobs of the page's code, by name. */
  readonly jobs: readonly string[]
  /** Where the wasm lies, where it is not beside the engine worker's own module. */
  readonly wasmUrl: string | null
  /** A database of this name was opened in this browser before (`client/marker.ts`): one that is new now was lost. */
  readonly wasOpenedBefore: boolean
}

/** The page's end of the engine worker. */
export type ToEngineWorker =
  | OpenEngine
  /** Before `stepwell:open`, in a worker that is kept ready: load the wasm and go through a take-over in memory, touch no file. */
  | { readonly type: 'stepwell:prepare'; readonly wasmUrl: string | null }
  /** With the port in the transfer list. The worker queues for the executor's liveness lock at its first message. */
  | {
      readonly type: 'stepwell:executor'
      readonly executorId: ExecutorId
      readonly port: MessagePort
    }
  /** The page ends this executor and starts another one: what it holds is given up in good order when it is dead. */
  | { readonly type: 'stepwell:replace-executor'; readonly executorId: ExecutorId }
  /** `blobs`: those that the requests' payloads name. They are stored before their requests are carried out. */
  | {
      readonly type: 'stepwell:requests'
      readonly requests: readonly ClientRequest[]
      readonly blobs: readonly NewBlob[]
    }
  /** Answered by `blob`. */
  | { readonly type: 'stepwell:read-blob'; readonly id: BlobId }
  /** Answered by `exported` or `transfer-failed`. `blobs`: whether the Blobs and Files go with it. */
  | { readonly type: 'stepwell:export'; readonly requestId: RequestId; readonly blobs: boolean }
  /**
   * To a worker that opens nothing else: export the newest database that was set aside as damaged, or the one that no
   * engine has open now. Answered by `exported` or `transfer-failed`.
   */
  | {
      readonly type: 'stepwell:rescue'
      readonly requestId: RequestId
      readonly database: string
      readonly isDamaged: boolean
      readonly blobs: boolean
      readonly wasmUrl: string | null
    }
  /** Answered by `imported` or `transfer-failed`. */
  | { readonly type: 'stepwell:import'; readonly requestId: RequestId; readonly file: Blob }
  /** Time may have jumped (the page became visible, the machine woke up). */
  | { readonly type: 'stepwell:tick' }
  /** The browser is online or offline: said after `stepwell:open`, and when it changes. */
  | { readonly type: 'stepwell:network'; readonly isOnline: boolean }
  /** Other jobs are defined in the page now (hot reload). */
  | { readonly type: 'stepwell:jobs'; readonly jobs: readonly string[] }
  /**
   * Claim nothing more, let what runs come to an end for `drainMs`, then commit, give leases back, close the handles and
   * give up the lock; answered by `released`.
   */
  | { readonly type: 'stepwell:release'; readonly drainMs: number }
  /** This page is no good place for the engine now: hand over, if nothing runs and a visible tab is there to take it. */
  | { readonly type: 'stepwell:yield' }
  /** Make the engine panic: for tests of what follows, through `@stepwell/core/testing`. */
  | { readonly type: 'stepwell:panic' }

/** A stored Blob or File, without its name and type, which stand in the payload; `null`: there is none. */
export interface StoredBlob {
  readonly type: 'blob'
  readonly id: BlobId
  readonly blob: Blob | null
}

export type FromEngineWorker =
  /** `persisted`: whether `navigator.storage.persisted()` said so; `null` where memory holds the database. */
  | {
      readonly type: 'opened'
      readonly epoch: Epoch
      readonly persisted: boolean | null
      readonly loss: StorageLoss | null
    }
  | { readonly type: 'open-failed'; readonly error: ErrorInfo }
  | {
      readonly type: 'output'
      readonly replies: readonly ClientReply[]
      readonly events: readonly RunEvent[]
      readonly status: EngineStatus | null
    }
  | StoredBlob
  | {
      readonly type: 'exported'
      readonly requestId: RequestId
      readonly bytes: Uint8Array<ArrayBuffer>
    }
  /**
   * The database is another one now (`error`: without some of its files), and everything is closed: terminate this worker
   * and start the next. What it was sent and did not answer was not carried out.
   */
  | {
      readonly type: 'imported'
      readonly requestId: RequestId
      readonly error: ErrorInfo | null
    }
  | { readonly type: 'transfer-failed'; readonly requestId: RequestId; readonly error: ErrorInfo }
  /** It works on something long: it is not silent. */
  | { readonly type: 'alive' }
  /** The wall clock was found behind; the engine follows it. Milliseconds. */
  | { readonly type: 'clock'; readonly from: number; readonly to: number }
  /** An executor is dead: its liveness lock came free. Its runs wait for another one. */
  | { readonly type: 'executor-gone'; readonly executorId: ExecutorId }
  /** An executor hangs, and its port was closed: end it, and start another one. */
  | { readonly type: 'executor-hung'; readonly executorId: ExecutorId }
  /** Another tab is to lead: give up the seat, and terminate this worker. The handles are closed. */
  | { readonly type: 'handed-over' }
  /** A tab of a newer build is open: this one should be reloaded. */
  | { readonly type: 'outdated'; readonly buildId: string }
  /** The instance is lost: terminate this worker. */
  | { readonly type: 'fatal'; readonly message: string }
  /** The lock was lost, or `release` was asked for: the handles are closed. */
  | { readonly type: 'released' }

/** From an executor to the engine worker, over their port. */
export type FromExecutor =
  /** `blobs`: those that the messages' payloads name. */
  | {
      readonly type: 'stepwell:envelopes'
      readonly envelopes: readonly ExecutorEnvelope[]
      readonly blobs: readonly NewBlob[]
    }
  /** Answered by `blob`. */
  | { readonly type: 'stepwell:read-blob'; readonly id: BlobId }

/** From the engine worker to an executor, over their port. */
export type ToExecutor =
  | readonly EngineMessage[]
  | StoredBlob
  /** A Blob of that message cannot be read, so the message did not reach the engine and never will. */
  | { readonly type: 'unstorable'; readonly seq: number; readonly error: ErrorInfo }

/** Limits that executors keep. */
export interface Limits {
  readonly payloadBytes: number
  /** For each run. */
  readonly logLines: number
}

/** To an executor worker (by `postMessage`, with `port` in the transfer list), or by a call to one in the page. */
export interface ConnectExecutor {
  readonly type: 'stepwell:connect'
  readonly buildId: string
  readonly database: string
  readonly executorId: ExecutorId
  readonly slots: number
  readonly limits: Limits
  readonly port: MessagePort
  /** The line to the page, for `step.context`; given once, when the executor is started. */
  readonly context: ContextPort | null
}

/** On this port page and executor talk about `step.context`, past the engine. */
export interface ContextPort {
  readonly port: MessagePort
  /** Whether the page has anything to give, so that the executor has to ask. */
  readonly isUsed: boolean
}

/** A run starts. */
export interface ContextQuestion {
  readonly type: 'ask'
  readonly id: number
}

export type ContextAnswer =
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  /** The run cannot start. */
  | {
      readonly type: 'failed'
      readonly id: number
      readonly code: 'error' | 'not_serializable'
      readonly message: string
    }
  /** `setContext` was called: running jobs see this from now on. */
  | { readonly type: 'set'; readonly value: unknown }
  /** The page has something to give now: ask. */
  | { readonly type: 'use' }

/** What an executor worker says to its page, outside the port. */
export type FromExecutorWorker =
  | { readonly type: 'stepwell:executor-ready'; readonly jobs: readonly string[] }
  | { readonly type: 'stepwell:executor-failed'; readonly error: ErrorInfo }

/** Held by the page that spawns the engine worker. */
export const seatLock = (database: string): string => `stepwell:${database}:seat`
/** Held by the engine worker exactly while its file handles are open. */
export const engineLock = (database: string): string => `stepwell:${database}`
/** Held by an executor for as long as it lives. */
export const executorLock = (database: string, executorId: ExecutorId): string =>
  `stepwell:${database}:executor:${executorId}`
/** Held by the tab that keeps an engine worker ready. */
export const standbyLock = (database: string): string => `stepwell:${database}:standby`
