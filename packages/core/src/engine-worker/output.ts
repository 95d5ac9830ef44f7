/** What a batch has to tell the page, in messages that the page reads without a pause that a user would see. */
import type { ClientReply, EngineStatus, RunEvent } from '../generated/protocol.js'
import type { FromEngineWorker } from '../wire.js'

/** The page reads an event in about 2 µs: so many are an eighth of a frame. A step may log 10,000 lines in one batch. */
export const EVENTS_PER_MESSAGE = 1000

export interface ToPage {
  readonly replies: readonly ClientReply[]
  readonly events: readonly RunEvent[]
  readonly status: EngineStatus | null
}

/** Replies go first, with the first events, for an event comes after the replies of its commit. */
export function postOutput(
  post: (message: FromEngineWorker) => void,
  { replies, events, status }: ToPage,
): void {
  if (replies.length > 0 || events.length > 0 || status !== null) {
    post({ type: 'output', replies, events: events.slice(0, EVENTS_PER_MESSAGE), status })
  }
  for (let from = EVENTS_PER_MESSAGE; from < events.length; from += EVENTS_PER_MESSAGE) {
    const more = events.slice(from, from + EVENTS_PER_MESSAGE)
    post({ type: 'output', replies: [], events: more, status: null })
  }
}
