/** The events that `client.on` tells, and how they come from the engine's. */
import type { Codec } from '../codec/codec.js'
import type { StepwellError } from '../errors.js'
import type { EventHead, RunEvent } from '../generated/protocol.js'
import type { LogLine, StorageLoss, StorageState, WaitingFor } from '../types.js'
import { toLogLine, toWaitingFor } from './convert.js'

type LogEvent = EventHead & {
  readonly type: 'log:write'
  readonly log: LogLine
  /** `log.data` was left out for its size: `getLogs` has it. */
  readonly truncated: boolean
}

type WithPublicWait<E> = E extends { readonly waitingFor: unknown }
  ? Omit<E, 'waitingFor'> & { readonly waitingFor: WaitingFor }
  : E

/** Events of runs, told after the commit that made them true. */
export type StepwellRunEvent = WithPublicWait<Exclude<RunEvent, { type: 'log:write' }>> | LogEvent

/** Events of the engine and of the connection to it. */
export type StepwellEngineEvent =
  | {
      readonly type: 'engine:leader'
      readonly timestamp: number
      readonly role: 'leader' | 'follower' | 'none'
    }
  | {
      readonly type: 'engine:storage'
      readonly timestamp: number
      readonly storage: StorageState
      /** What was lost of the database, as `status.loss` has it. */
      readonly loss: StorageLoss | null
    }
  | {
      readonly type: 'engine:clock'
      readonly timestamp: number
      readonly from: number
      readonly to: number
    }
  | { readonly type: 'engine:error'; readonly timestamp: number; readonly error: StepwellError }

export type StepwellEvent = StepwellRunEvent | StepwellEngineEvent
export type StepwellEventType = StepwellEvent['type']
export type StepwellEventOf<T extends StepwellEventType> = Extract<StepwellEvent, { type: T }>

export function toPublicEvent(codec: Codec, event: RunEvent): StepwellRunEvent {
  switch (event.type) {
    case 'log:write':
      return { ...event, log: toLogLine(codec, event.log) }
    case 'run:wait':
    case 'step:wait':
      return { ...event, waitingFor: toWaitingFor(event.waitingFor) }
    default:
      return event
  }
}
