/**
 * What the client's parts ask of the connection to the engine. `client/` implements it, `observers/` build on it; nothing
 * else knows whether the engine lives in this tab.
 */
import type { Command, Reply, RunEvent } from './generated/protocol.js'
import type { StepwellStatus } from './types.js'

type ReplyType<C extends Command['type']> = C extends 'trigger'
  ? 'triggered'
  : C extends 'getRun' | 'cancel' | 'retry'
    ? 'run'
    : C extends 'getRuns'
      ? 'runs'
      : C extends 'getSteps'
        ? 'steps'
        : C extends 'getLogs'
          ? 'logs'
          : 'status'

/** The reply that a command gets where it is not refused. */
export type ReplyTo<C extends Command> = Extract<Reply, { type: ReplyType<C['type']> }>

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
   */
  request<C extends Command>(command: C): Promise<ReplyTo<C>>
  /** Events in order, after the commit that they tell of and after the replies of that commit were delivered. */
  onEvents(listener: (events: readonly RunEvent[]) => void): () => void
  /** What was read before may be stale: the engine restarted or was reached for the first time. Read again. */
  onReset(listener: () => void): () => void
  readonly status: Observable<StepwellStatus>
}
