/**
 * The tabs that follow: what they ask comes over `:cmd`, what they are told goes to each one's `:reply` and to `:events`.
 *
 * A follower holds a lock for as long as it is one, for which this queues: a client that nobody stands behind, made up
 * or dead, is forgotten at once, and so the number of those that are remembered is the number of open tabs.
 */
import {
  clientLock,
  commandChannel,
  type EventsAt,
  eventChannel,
  replyChannel,
  type ToEverybody,
  type ToFollower,
  type ToLeader,
} from '../channels.js'
import type {
  BlobId,
  ClientId,
  ClientReply,
  ClientRequest,
  EngineStatus,
  Epoch,
} from '../generated/protocol.js'
import type { StorageLoss } from '../types.js'
import { BUILD_ID } from '../wire.js'
import type { NewBlobs } from './blobs/blobs.js'
import { isToLeader } from './channel-messages.js'
import { EVENTS_PER_MESSAGE } from './output.js'
import type { Tell } from './pending-events.js'
import type { TransferRequest } from './transfers.js'

/** What a follower said of itself. */
export interface FollowerFacts {
  readonly jobs: readonly string[]
  readonly isVisible: boolean
}

/** What one follower is answered, beside replies. */
export type FollowerAnswer = Exclude<ToFollower, { readonly type: 'welcome' | 'replies' }>

export interface FollowersOptions {
  readonly database: string
  readonly locks: LockManager
  readonly epoch: Epoch
  readonly persisted: boolean
  readonly loss: StorageLoss | null
  readonly status: () => EngineStatus
  readonly onRequests: (
    clientId: ClientId,
    requests: readonly ClientRequest[],
    blobs: NewBlobs,
  ) => void
  readonly onRead: (clientId: ClientId, id: BlobId) => void
  readonly onTransfer: (clientId: ClientId, request: TransferRequest) => void
  /** One has come or has changed. */
  readonly onJoined: () => void
  /** A follower of another build has come. */
  readonly onOtherBuild: (buildId: string) => void
}

export interface Followers {
  readonly tell: Tell
  answer(clientId: ClientId, answer: WithoutEpoch<FollowerAnswer>): void
  tellAlive(): void
  tellClock(from: number, to: number): void
  isEmpty(): boolean
  /** The first that came of those which match. */
  find(matches: (facts: FollowerFacts) => boolean): ClientId | null
  /** The files are closed. @param next who should lead now; `null`: whoever comes first. */
  tellReleased(next: ClientId | null): void
  /** Tells nobody. */
  close(): void
}

type WithoutEpoch<M> = M extends { readonly epoch: Epoch } ? Omit<M, 'epoch'> : never

interface Follower {
  readonly channel: BroadcastChannel
  /** Ends the wait for its lock. */
  readonly watch: AbortController
  facts: FollowerFacts
}

export function createFollowers(options: FollowersOptions): Followers {
  const { database, locks, epoch, persisted, loss } = options
  const followers = new Map<ClientId, Follower>()
  const commands = new BroadcastChannel(commandChannel(database))
  const everybody = new BroadcastChannel(eventChannel(database))
  let position = 0

  const broadcast = (message: ToEverybody) => everybody.postMessage(message)
  const post = ({ channel }: Follower, message: ToFollower) => channel.postMessage(message)

  const forget = (clientId: ClientId) => {
    const follower = followers.get(clientId)
    followers.delete(clientId)
    follower?.watch.abort()
    follower?.channel.close()
  }
  const known = (clientId: ClientId, facts: FollowerFacts): Follower => {
    const before = followers.get(clientId)
    if (before !== undefined) {
      before.facts = facts
      return before
    }
    const channel = new BroadcastChannel(replyChannel(database, clientId))
    const follower: Follower = { channel, watch: new AbortController(), facts }
    followers.set(clientId, follower)
    const { signal } = follower.watch
    const gone = () => {
      if (followers.get(clientId) === follower) forget(clientId)
    }
    // It rejects when the wait is ended, and when this worker is about to be destroyed.
    locks.request(clientLock(database, clientId), { signal }, gone).catch(() => undefined)
    return follower
  }
  const onJoin = ({ clientId, buildId, jobs, isVisible }: ToLeader & { type: 'stepwell:join' }) => {
    const follower = known(clientId, { jobs, isVisible })
    const facts = { epoch, position, persisted, loss, status: options.status() }
    post(follower, { type: 'welcome', buildId: BUILD_ID, ...facts })
    if (buildId === BUILD_ID) return options.onJoined()
    forget(clientId)
    options.onOtherBuild(buildId)
  }
  const receive = (message: ToLeader) => {
    if (message.type === 'stepwell:join') return onJoin(message)
    const { clientId } = message
    if (!followers.has(clientId)) return
    if (message.type === 'stepwell:leave') return forget(clientId)
    if (message.epoch !== epoch) return
    switch (message.type) {
      case 'stepwell:requests': {
        const blobs = new Map(message.blobs.map(({ id, blob }) => [id, blob]))
        return options.onRequests(clientId, message.requests, blobs)
      }
      case 'stepwell:read-blob':
        return options.onRead(clientId, message.id)
      case 'stepwell:export':
      case 'stepwell:import':
        return options.onTransfer(clientId, message)
    }
  }
  commands.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (isToLeader(data)) receive(data)
  }
  broadcast({ type: 'leading', buildId: BUILD_ID, epoch })

  /** Replies go first, with the first events of their batch. @param after of the last events before these. */
  const tellEvents = (
    after: number,
    at: EventsAt | null,
    replies: ReadonlyMap<ClientId, ClientReply[]>,
  ) => {
    for (const [clientId, own] of replies) {
      const follower = followers.get(clientId)
      if (follower !== undefined) {
        post(follower, { type: 'replies', epoch, after, replies: own, events: at })
      }
    }
    if (at !== null) broadcast({ type: 'events', epoch, repliedTo: [...replies.keys()], ...at })
  }
  const close = () => {
    commands.close()
    everybody.close()
    for (const clientId of [...followers.keys()]) forget(clientId)
  }
  return {
    tell(replies, events, status) {
      if (followers.size === 0) return
      const byFollower = new Map<ClientId, ClientReply[]>()
      for (const { clientId, reply } of replies) {
        const own = byFollower.get(clientId)
        if (own !== undefined) own.push(reply)
        else if (followers.has(clientId)) byFollower.set(clientId, [reply])
      }
      const isEmpty = events.length === 0 && status === null
      if (isEmpty) return tellEvents(position, null, byFollower)
      const none: ReadonlyMap<ClientId, ClientReply[]> = new Map()
      for (let from = 0; from === 0 || from < events.length; from += EVENTS_PER_MESSAGE) {
        const after = position
        position += 1
        const part = events.slice(from, from + EVENTS_PER_MESSAGE)
        const at = { position, events: part, status: from === 0 ? status : null }
        tellEvents(after, at, from === 0 ? byFollower : none)
      }
    },
    answer(clientId, answer) {
      const follower = followers.get(clientId)
      if (follower !== undefined) post(follower, { ...answer, epoch })
    },
    tellAlive: () => broadcast({ type: 'alive', epoch }),
    tellClock: (from, to) => broadcast({ type: 'clock', epoch, from, to }),
    isEmpty: () => followers.size === 0,
    find(matches) {
      for (const [clientId, { facts }] of followers) {
        if (matches(facts)) return clientId
      }
      return null
    },
    tellReleased(next) {
      broadcast({ type: 'released', epoch, next })
      close()
    },
    close,
  }
}
