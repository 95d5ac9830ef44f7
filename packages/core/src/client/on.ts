/** `client.on`: the engine's events and the connection's own, by type. */
import type { RunEvent } from '../generated/protocol.js'
import { checkFunction, checkOneOf } from '../options.js'
import { createEmitter, type Emitter } from './emitter.js'
import type { StepwellEvent, StepwellEventType } from './events.js'
import type { Front } from './front.js'

const TYPES: Readonly<Record<StepwellEventType | '*', true>> = {
  '*': true,
  'run:trigger': true,
  'run:coalesced': true,
  'run:start': true,
  'run:wait': true,
  'run:resume': true,
  'run:complete': true,
  'run:fail': true,
  'run:cancel': true,
  'run:retry': true,
  'run:delete': true,
  'run:progress': true,
  'step:start': true,
  'step:wait': true,
  'step:retry': true,
  'step:wake': true,
  'step:cancel': true,
  'step:complete': true,
  'step:fail': true,
  'log:write': true,
  'engine:leader': true,
  'engine:storage': true,
  'engine:clock': true,
  'engine:error': true,
}

type On = (type: unknown, listener: unknown) => () => void

/** @param toPublicEvent the runtime's: where there are events of runs, there is a runtime. */
export function createEvents(
  front: Pick<Front, 'connect' | 'events' | 'engineEvents'>,
  toPublicEvent: (event: RunEvent) => StepwellEvent | undefined,
): On {
  const emitters = new Map<string, Emitter<StepwellEvent>>()
  let isAttached = false

  const emit = (event: StepwellEvent | undefined) => {
    if (event === undefined) return
    emitters.get(event.type)?.emit(event)
    emitters.get('*')?.emit(event)
  }
  const isHeard = (type: string) =>
    emitters.get(type)?.isEmpty === false || emitters.get('*')?.isEmpty === false
  const attach = () => {
    if (isAttached) return
    isAttached = true
    front.engineEvents.on(emit)
    front.events.on((batch) => {
      for (const event of batch) if (isHeard(event.type)) emit(toPublicEvent(event))
    })
  }
  return (type, listener) => {
    const known = checkOneOf(type, 'The type of event for on', Object.keys(TYPES))
    checkListener(listener, 'The listener for on')
    attach()
    front.connect()
    const emitter = emitters.get(known) ?? createEmitter<StepwellEvent>()
    emitters.set(known, emitter)
    return emitter.on(listener)
  }
}

/** What it takes is settled by the types of the public functions; all a check can see is that it can be called. */
export function checkListener(
  value: unknown,
  name: string,
): asserts value is (told: unknown) => void {
  checkFunction(value, name)
}
