/**
 * This tab follows: its line to the engine worker of the tab that leads.
 *
 * It joins once somebody leads, is welcomed with the position of the events told so far, and hears each later one once
 * and in order. Replies and events come over two channels, which keep no order with each other: what is ahead is held
 * until what it follows is there, a reply too, which may show what the events before it tell. A gap that stays, or a new
 * epoch, is a new welcome, after which all is read again.
 */
import {
  clientLock,
  commandChannel,
  type EventsAt,
  eventChannel,
  replyChannel,
  seatChannel,
  type ToEverybody,
  type ToFollower,
  type ToLeader,
  type Waiting,
} from '../channels.js'
import type {
  ClientId,
  ClientReply,
  EngineStatus,
  Epoch,
  ErrorInfo,
  RunEvent,
} from '../generated/protocol.js'
import { holdLock } from '../liveness.js'
import { BUILD_ID } from '../wire.js'
import type { Ask } from './calls.js'
import { isToEverybody, isToFollower } from './channel-messages.js'

/** So long may a message be behind one that was sent after it. */
const GAP_MS_MAX = 1_000
/** Held back at most; beyond it, reading all anew is cheaper. */
const HELD_MAX = 1_000

type EventsOf = Extract<ToEverybody, { readonly type: 'events' }>
type RepliesOf = Extract<ToFollower, { readonly type: 'replies' }>

export type FollowerAnswer = Exclude<ToFollower, { readonly type: 'welcome' | 'replies' }>

/** What a leader says of itself. */
export type Welcome = Extract<ToFollower, { readonly type: 'welcome' }>

export interface FollowingEvents {
  /** Somebody leads, and this tab is known there: calls can be made. What was read before may be stale. */
  onWelcome(welcome: Welcome): void
  /** Nobody leads for now. `next`: who should do so; `null`: whoever comes first. */
  onReleased(next: ClientId | null): void
  /** A tab of another build leads. */
  onOtherBuild(buildId: string): void
  /** The tab that should lead cannot, for now. */
  onUnavailable(error: ErrorInfo): void
  onReplies(replies: readonly ClientReply[]): void
  onEvents(events: readonly RunEvent[], status: EngineStatus | null): void
  onAnswer(answer: FollowerAnswer): void
  onClock(from: number, to: number): void
  /** The leader said something. */
  onSign(): void
}

export interface Following {
  ask(ask: Ask): void
  /** Makes itself known again: it has changed. */
  join(): void
  /** The leader owes an answer and is silent: does it know this tab, and does it still work? */
  knock(): void
  stop(): void
}

export interface FollowingOptions {
  readonly database: string
  readonly clientId: ClientId
  readonly locks: LockManager
  readonly jobs: () => readonly string[]
  readonly isVisible: () => boolean
}

export function follow(options: FollowingOptions, events: FollowingEvents): Following {
  const { database, clientId } = options
  const commands = new BroadcastChannel(commandChannel(database))
  const replies = new BroadcastChannel(replyChannel(database, clientId))
  const everybody = new BroadcastChannel(eventChannel(database))
  const liveness = holdLock(clientLock(database, clientId), options.locks)
  let epoch: Epoch | null = null
  let position = 0
  /** Ahead of a gap, by position. `null`: it comes with this tab's replies. */
  const held = new Map<number, EventsAt | null>()
  /** Ahead of events that came before them, in order. */
  let heldReplies: RepliesOf[] = []
  /** Of an epoch in which this tab is not welcomed yet. */
  let early: EventsOf[] = []
  let joinTimer: ReturnType<typeof setTimeout> | undefined
  let isStopped = false

  const post = (message: ToLeader) => commands.postMessage(message)
  const join = () => {
    clearTimeout(joinTimer)
    joinTimer = undefined
    const say = () => {
      if (isStopped) return
      // What came before the question is in the answer; what is ahead of that was never told by the leader.
      held.clear()
      early = []
      const isVisible = options.isVisible()
      post({
        type: 'stepwell:join',
        buildId: BUILD_ID,
        clientId,
        jobs: options.jobs(),
        isVisible,
      })
    }
    // The leader queues for this lock to see when the tab is gone: it must be held by then.
    liveness.held.then(say, () => undefined)
  }
  const joinLater = () => {
    joinTimer ??= setTimeout(join, GAP_MS_MAX)
  }
  const tellReplies = ({ replies, events: own }: RepliesOf) => {
    if (own !== null && own.position > position) held.set(own.position, own)
    events.onReplies(replies)
  }
  /** The next that is due of what is held. */
  const tellNext = (): boolean => {
    const [first] = heldReplies
    if (first !== undefined && first.after <= position) {
      heldReplies.shift()
      tellReplies(first)
      return true
    }
    const next = held.get(position + 1)
    if (!next) return false
    held.delete(next.position)
    position = next.position
    events.onEvents(next.events, next.status)
    return true
  }
  const tellHeld = () => {
    while (tellNext());
    const count = held.size + heldReplies.length
    if (count > HELD_MAX) return join()
    if (count > 0) return joinLater()
    clearTimeout(joinTimer)
    joinTimer = undefined
  }
  const hold = (at: number, what: EventsAt | null) => {
    if (at <= position) return
    // What came with the replies is not replaced by the word that it will.
    if (what !== null || !held.has(at)) held.set(at, what)
    tellHeld()
  }
  const onEvents = (message: EventsOf) => {
    const { repliedTo, ...at } = message
    if (message.epoch === epoch) {
      return hold(at.position, repliedTo.includes(clientId) ? null : at)
    }
    if (early.length < HELD_MAX) early.push(message)
    // Nobody has said that this epoch leads, or the welcome is on its way.
    joinLater()
  }
  const onWelcome = (welcome: Welcome) => {
    if (welcome.buildId !== BUILD_ID) {
      epoch = null
      return events.onOtherBuild(welcome.buildId)
    }
    // Epochs begin anew in a database that took the place of a lost one.
    if (epoch !== null && welcome.epoch < epoch && welcome.loss === null) return
    const isStale = welcome.epoch !== epoch || welcome.position !== position
    if (welcome.epoch !== epoch) {
      held.clear()
      // What they answer is asked again.
      heldReplies = []
    }
    epoch = welcome.epoch
    position = welcome.position
    for (const at of held.keys()) if (at <= position) held.delete(at)
    // What is ahead of this position was never told by the leader.
    for (const replies of heldReplies.splice(0)) tellReplies(replies)
    const [isTooMuch, mine] = [early.length === HELD_MAX, early]
    early = []
    if (isStale) events.onWelcome(welcome)
    tellHeld()
    for (const message of mine) if (message.epoch === epoch) onEvents(message)
    if (isTooMuch) join()
  }
  const onEverybody = (message: ToEverybody) => {
    if (message.type === 'unavailable') {
      epoch = null
      events.onUnavailable(message.error)
      // Where it was somebody else who said that, the leader answers.
      return joinLater()
    }
    const isOfLeader = message.epoch === epoch
    if (isOfLeader) events.onSign()
    switch (message.type) {
      case 'leading':
        // The answer to joining says what is to be said of another build.
        if (!isOfLeader) join()
        return
      case 'events':
        return onEvents(message)
      case 'released':
        if (!isOfLeader && epoch !== null) return
        epoch = null
        events.onReleased(message.next)
        // As above; else whoever leads next says so, sooner or later.
        return joinLater()
      case 'clock':
        if (isOfLeader) events.onClock(message.from, message.to)
        return
      case 'alive':
        if (!isOfLeader) joinLater()
        return
    }
  }
  const onFollower = (message: ToFollower) => {
    events.onSign()
    if (message.type === 'welcome') return onWelcome(message)
    if (message.epoch !== epoch) return
    if (message.type !== 'replies') return events.onAnswer(message)
    heldReplies.push(message)
    tellHeld()
  }
  everybody.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (isToEverybody(data)) onEverybody(data)
  }
  replies.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (isToFollower(data)) onFollower(data)
  }
  join()

  return {
    ask(ask) {
      // Between two leaders there is nobody to be asked, and the next one is asked anew.
      if (epoch !== null) post({ ...ask, clientId, epoch })
    },
    join,
    knock() {
      join()
      const seat = new BroadcastChannel(seatChannel(database))
      const waiting: Waiting = { type: 'stepwell:waiting' }
      seat.postMessage(waiting)
      seat.close()
    },
    stop() {
      isStopped = true
      clearTimeout(joinTimer)
      post({ type: 'stepwell:leave', clientId })
      for (const channel of [commands, replies, everybody]) channel.close()
      liveness.release()
    },
  }
}
