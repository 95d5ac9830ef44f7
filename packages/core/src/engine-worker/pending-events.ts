/**
 * Events that nobody waits for leave together: a run of short steps commits thousands of times a second, and a message
 * each would wake the page, and every tab that follows, as often.
 *
 * The first one after a pause leaves at once, so that a lone step is seen when it begins. What comes within a few
 * milliseconds of it waits for their end, or for something that somebody does wait for, which takes it along.
 */
import type { Addressed, EngineStatus, RunEvent } from '../generated/protocol.js'
import { EVENTS_PER_MESSAGE } from './output.js'

/** A third of a frame: what a screen shows is not late. Longer would spare little: it is 200 messages a second. */
export const EVENTS_WAIT_MS = 5
/** Each message also goes through the browser's process and wakes each tab that follows: one a frame is enough. */
export const FOLLOWED_WAIT_MS = 16

/** What happens within a run, told so that it can be watched. Whoever awaits something awaits an answer or another event. */
const CAN_WAIT: ReadonlySet<RunEvent['type']> = new Set([
  'run:progress',
  'step:start',
  'step:wait',
  'step:retry',
  'step:wake',
  'step:cancel',
  'step:complete',
  'step:fail',
  'log:write',
])

/** After a commit. */
export type Tell = (
  replies: readonly Addressed[],
  events: readonly RunEvent[],
  status: EngineStatus | null,
) => void

export interface PendingEvents {
  /** All in the order in which it is told; what may wait perhaps later. */
  readonly tell: Tell
  /** Nothing waits after this. */
  readonly flush: () => void
}

/** @param isFollowed whether other tabs are told too. */
export function createPendingEvents(leave: Tell, isFollowed: () => boolean): PendingEvents {
  let pending: RunEvent[] = []
  /** Until it fires, what can wait does. */
  let timer: ReturnType<typeof setTimeout> | null = null

  const take = () => {
    const events = pending
    pending = []
    return events
  }
  const leaveNow = (events: readonly RunEvent[]) => {
    leave([], events, null)
    timer = setTimeout(onPause, isFollowed() ? FOLLOWED_WAIT_MS : EVENTS_WAIT_MS)
  }
  const onPause = () => {
    timer = null
    if (pending.length > 0) leaveNow(take())
  }
  const add = (events: readonly RunEvent[]) => {
    if (events.length === 0) return
    if (timer === null) return leaveNow(events)
    pending = pending.concat(events)
    // More would not fit into one message.
    if (pending.length >= EVENTS_PER_MESSAGE) leave([], take(), null)
  }
  const flush = () => {
    if (timer !== null) clearTimeout(timer)
    timer = null
    if (pending.length > 0) leave([], take(), null)
  }
  return {
    flush,
    tell(replies, events, status) {
      const isAwaited = replies.length > 0 || status !== null || !events.every(canWait)
      if (!isAwaited) return add(events)
      // In one message replies come before events: these are of earlier commits.
      if (replies.length > 0 && pending.length > 0) leave([], take(), null)
      leave(replies, pending.length === 0 ? events : take().concat(events), status)
    },
  }
}

function canWait({ type }: RunEvent): boolean {
  return CAN_WAIT.has(type)
}
