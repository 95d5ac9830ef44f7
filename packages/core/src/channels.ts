/**
 * Every message between tabs. A follower talks straight to the leader's engine worker, over three channels of the origin:
 *
 * - `:cmd`: to the engine worker, and nobody else listens;
 * - `:reply:<clientId>`: from it to one follower;
 * - `:events`: from it to all of them. Ids, statuses and progress only, never inputs and outputs.
 *
 * Where the engine worker owes an answer and is silent, only its page can end it: that listens on `:seat`.
 *
 * Any script of the origin, of another build too, can post to any of them: what arrives is checked before it is used.
 * `join`, `welcome`, `leading` and their `buildId` must keep their form for ever, since tabs of two builds exchange them.
 */
import type { NewBlob } from './codec/codec.js'
import type {
  BlobId,
  ClientId,
  ClientReply,
  ClientRequest,
  EngineStatus,
  Epoch,
  ErrorInfo,
  RequestId,
  RunEvent,
} from './generated/protocol.js'
import type { StorageLoss } from './types.js'
import type { FromEngineWorker } from './wire.js'

/** A follower is there, or what it said of itself has changed. Answered by `welcome`, whatever the builds. */
export interface Join {
  readonly type: 'stepwell:join'
  readonly buildId: string
  readonly clientId: ClientId
  /** The jobs of its code: it could run them if it led. */
  readonly jobs: readonly string[]
  readonly isVisible: boolean
}

/** On `:cmd`. Everything but `join` is for the engine of that epoch: another one ignores it, and is sent it again. */
export type ToLeader =
  | Join
  | { readonly type: 'stepwell:leave'; readonly clientId: ClientId }
  | {
      readonly type: 'stepwell:requests'
      readonly clientId: ClientId
      readonly epoch: Epoch
      readonly requests: readonly ClientRequest[]
      readonly blobs: readonly NewBlob[]
    }
  | {
      readonly type: 'stepwell:read-blob'
      readonly clientId: ClientId
      readonly epoch: Epoch
      readonly id: BlobId
    }
  | {
      readonly type: 'stepwell:export'
      readonly clientId: ClientId
      readonly epoch: Epoch
      readonly requestId: RequestId
      readonly blobs: boolean
    }
  | {
      readonly type: 'stepwell:import'
      readonly clientId: ClientId
      readonly epoch: Epoch
      readonly requestId: RequestId
      readonly file: Blob
    }

/** A batch's events. Positions count up by one within an epoch. */
export interface EventsAt {
  readonly position: number
  readonly events: readonly RunEvent[]
  readonly status: EngineStatus | null
}

/** On `:reply:<clientId>`. */
export type ToFollower =
  | {
      readonly type: 'welcome'
      readonly buildId: string
      readonly epoch: Epoch
      /** Of the last events that were told: the next ones follow it. */
      readonly position: number
      readonly persisted: boolean
      readonly loss: StorageLoss | null
      readonly status: EngineStatus
    }
  | {
      readonly type: 'replies'
      readonly epoch: Epoch
      /** Of the last events of earlier batches. They come first: an answer may show what they tell. */
      readonly after: number
      readonly replies: readonly ClientReply[]
      /** What the same batch told everybody: replies come before events, and two channels keep no order. */
      readonly events: EventsAt | null
    }
  | ({ readonly epoch: Epoch } & Extract<
      FromEngineWorker,
      { readonly type: 'blob' | 'exported' | 'imported' | 'transfer-failed' }
    >)

/** On `:events`. */
export type ToEverybody =
  /** From an engine worker that is open: followers join. */
  | { readonly type: 'leading'; readonly buildId: string; readonly epoch: Epoch }
  | ({
      readonly type: 'events'
      readonly epoch: Epoch
      /** These followers get them with their replies. */
      readonly repliedTo: readonly ClientId[]
    } & EventsAt)
  /** It works on something long: it is not silent. */
  | { readonly type: 'alive'; readonly epoch: Epoch }
  /** The wall clock was found behind. Milliseconds. */
  | { readonly type: 'clock'; readonly epoch: Epoch; readonly from: number; readonly to: number }
  /** It let go in good order. `next`: who should lead now; `null`: whoever comes first. */
  | { readonly type: 'released'; readonly epoch: Epoch; readonly next: ClientId | null }
  /** From the page that holds the seat: its engine cannot be opened now, and is tried again. */
  | { readonly type: 'unavailable'; readonly buildId: string; readonly error: ErrorInfo }

/** On `:seat`, to the page of the leader: a follower waits for an answer of its engine worker. */
export interface Waiting {
  readonly type: 'stepwell:waiting'
}

export const commandChannel = (database: string): string => `stepwell:${database}:cmd`
export const replyChannel = (database: string, clientId: ClientId): string =>
  `stepwell:${database}:reply:${clientId}`
export const eventChannel = (database: string): string => `stepwell:${database}:events`
export const seatChannel = (database: string): string => `stepwell:${database}:seat`
/** Held by a follower for as long as it is one. */
export const clientLock = (database: string, clientId: ClientId): string =>
  `stepwell:${database}:client:${clientId}`
