/**
 * Whether a run is at work here, or only waits and is parked.
 *
 * | state        | on …                                                | becomes      |
 * |--------------|-----------------------------------------------------|--------------|
 * | `active`     | nothing is under way, and steps wait: `suspend`     | `suspending` |
 * | `suspending` | one of its waits is told to have ended              | `active`     |
 * | `suspending` | the acknowledgement                                 | `parked`     |
 * | `parked`     | `resume`                                            | `active`     |
 *
 * The engine suspends no run of which a wait has ended. It tells that end before it acknowledges, so an acknowledgement
 * without one means that the run is suspended.
 *
 * What a function does meanwhile by itself (it did not only wait for steps) is held, and the engine is told to wake the
 * run. Log lines and progress alone wake nothing: they go with what comes next.
 */
import type { Turns } from './turns.js'

export interface Suspension {
  readonly state: () => 'active' | 'suspending' | 'parked'
  /** Something is under way: no suspension meanwhile. */
  readonly begin: () => void
  /** That is over. */
  readonly end: () => void
  /** A step waits. */
  readonly beginWait: () => void
  readonly endWait: () => void
  /** Does it now, or once the run goes on here. */
  readonly whenActive: (task: () => void) => void
  /** The engine told that a step does not wait any more: the run is at work, for else it would tell nothing. */
  readonly waitEnded: () => void
  /** @param learn takes what has happened meanwhile; before what is held goes on. */
  readonly resume: (learn: () => void) => void
  /** Says again that the run wants to go on, to an engine that may not know. */
  readonly announce: () => void
  /** The execution was aborted: what is held is let go, to find that out. */
  readonly stop: () => void
}

export interface SuspensionEvents {
  readonly turns: Turns
  /** Whether the function may be suspended at all. */
  readonly mayWait: () => boolean
  /** The names of the steps that wait. */
  readonly waits: () => string[]
  readonly suspend: (waits: string[], onAck: () => void) => void
  readonly wake: () => void
  readonly onParked: () => void
  /** It is at work again, or still. */
  readonly onActive: () => void
}

export function createSuspension(events: SuspensionEvents): Suspension {
  const { turns, mayWait } = events
  let state: ReturnType<Suspension['state']> = 'active'
  let busy = 0
  let waiting = 0
  let isScheduled = false
  /** What the engine was asked to suspend on, and has not answered. */
  let asked: readonly string[] | null = null
  let held: (() => void)[] = []

  const isIdle = () => state === 'active' && busy === 0 && waiting > 0 && mayWait()
  const suspend = () => {
    const waits = events.waits()
    asked = waits
    state = 'suspending'
    events.suspend(waits, () => {
      // It was answered by a wait's end before.
      if (asked !== waits) return
      asked = null
      state = 'parked'
      events.onParked()
      if (held.length > 0) events.wake()
    })
  }
  // In a macrotask of its own: the continuations of what was released last have run by then, and have made their calls.
  const check = () => {
    if (isScheduled || !isIdle()) return
    isScheduled = true
    turns.later(() => {
      isScheduled = false
      if (isIdle()) suspend()
    })
  }
  const goOn = (learn: () => void = () => undefined) => {
    if (state === 'active') return
    asked = null
    state = 'active'
    events.onActive()
    learn()
    const tasks = held
    held = []
    for (const task of tasks) task()
    check()
  }
  return {
    state: () => state,
    begin() {
      busy += 1
    },
    end() {
      busy -= 1
      check()
    },
    beginWait() {
      waiting += 1
      check()
    },
    endWait() {
      waiting -= 1
    },
    whenActive(task) {
      if (state === 'active') return task()
      held.push(task)
      if (state === 'parked' && held.length === 1) events.wake()
    },
    waitEnded: () => goOn(),
    resume: goOn,
    announce() {
      if (state === 'parked' && held.length > 0) events.wake()
    },
    stop: () => goOn(),
  }
}
