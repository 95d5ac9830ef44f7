/**
 * What the client's parts ask of the connection to the engine. `client/` implements it, `observers/` build on it; nothing
 * else knows whether the engine lives in this tab.
 */
import type { NewBlob } from './codec/codec.js'
import type { BlobId, Command, Reply, RunEvent } from './generated/protocol.js'
import type { StepwellStatus } from './types.js'

interface ReplyTypes {
  trigger: 'triggered'
  batchTrigger: 'batchTriggered'
  retrigger: 'triggered'
  getRun: 'run'
  getRuns: 'runs'
  getSteps: 'steps'
  getLogs: 'logs'
  cancel: 'run'
  retry: 'run'
  deleteRun: 'deleted'
  purgeRuns: 'deleted'
  signal: 'signalled'
  getStatus: 'status'
}

/** The reply that a command gets where it is not refused. */
export type ReplyTo<C extends Command> = Extract<Reply, { type: ReplyTypes[C['type']] }>

/** A value that changes, in the form that `useSyncExternalStore` wants. `get` keeps its reference until a change. */
export interface Observable<T> {
  get(): T
  subscribe(listener: () => void): () => void
}

export interface Connection {
  /** Starts connecting if that has not been done. Never in a constructor: importing and creating have no effect. */
  connect(): void
  /**
   * Sends a command, in one array with the others of this microtask checkpoint, and sends it again under the same
   * request id to a restarted engine. Rejects with a `StepwellError`.
   * @param blobs those that the command's payloads name: stored before the command is carried out.
   */
  request<C extends Command>(command: C, blobs?: readonly NewBlob[]): Promise<ReplyTo<C>>
  /** A stored Blob or File; `null` where there is none, for its run was deleted. Rejects like `request`. */
  readBlob(id: BlobId): Promise<Blob | null>
  /** Events in order, after the commit that they tell of and after the replies of that commit were delivered. */
  onEvents(listener: (events: readonly RunEvent[]) => void): () => void
  /** What was read before may be stale: the engine restarted or was reached for the first time. Read again. */
  onReset(listener: () => void): () => void
  readonly status: Observable<StepwellStatus>
}
