/** Whom the engine tells: this tab's page, and the tabs that follow. */
import type { Addressed, ClientId, ClientReply } from '../generated/protocol.js'
import type { FromEngineWorker } from '../wire.js'
import type { FollowerAnswer, Followers } from './followers.js'
import { postOutput } from './output.js'
import { createPendingEvents, type Tell } from './pending-events.js'

/** What one client is answered, beside replies. */
export type Answer = Extract<FromEngineWorker, { readonly type: FollowerAnswer['type'] }>

export interface Audience {
  readonly tell: Tell
  /** What waits to be told is told now. */
  flush(): void
  answer(clientId: ClientId, answer: Answer): void
  tellAlive(): void
  tellClock(from: number, to: number): void
  /** From now on followers are told too. */
  add(followers: Followers): void
}

/** @param pageId the client of this tab's page; asked for at each use, for it comes with the first message. */
export function createAudience(
  post: (message: FromEngineWorker) => void,
  pageId: () => ClientId,
): Audience {
  let followers: Followers | null = null
  const leave: Tell = (replies, events, status) => {
    postOutput(post, { replies: repliesTo(replies, pageId()), events, status })
    followers?.tell(replies, events, status)
  }
  const { tell, flush } = createPendingEvents(leave, () => followers?.isEmpty() === false)
  return {
    tell,
    flush,
    answer(clientId, answer) {
      if (clientId === pageId()) post(answer)
      else followers?.answer(clientId, answer)
    },
    tellAlive() {
      post({ type: 'alive' })
      followers?.tellAlive()
    },
    tellClock(from, to) {
      post({ type: 'clock', from, to })
      followers?.tellClock(from, to)
    },
    add(those) {
      followers = those
    },
  }
}

function repliesTo(replies: readonly Addressed[], clientId: ClientId): ClientReply[] {
  return replies.filter((addressed) => addressed.clientId === clientId).map(({ reply }) => reply)
}
