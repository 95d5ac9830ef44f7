/**
 * The seat: a Web Lock whose holder's page runs the engine worker. A page that does not get it stays in the queue: the
 * browser then knows that somebody waits and does not freeze the holder, and the grant needs nobody's help.
 */
import { eventChannel, seatChannel, type ToEverybody, type Waiting } from '../channels.js'
import type { StepwellError } from '../errors.js'
import { BUILD_ID, seatLock } from '../wire.js'

export interface SeatEvents {
  onGranted(): void
  /** Another tab holds it; this one waits in the queue. */
  onQueued(): void
  /** It is held, and a tab that follows waits for the engine worker. */
  onWaiting(): void
  /** It was held, and the browser took it away. */
  onLost(): void
  onError(reason: unknown): void
}

export interface Seat {
  /** Gives the seat up, or leaves the queue. No event comes after it. */
  leave(): void
}

export function takeSeat(locks: LockManager, database: string, events: SeatEvents): Seat {
  const name = seatLock(database)
  const queue = new AbortController()
  let hasLeft = false
  let isHeld = false
  let release: () => void = () => undefined
  let waiting: BroadcastChannel | null = null

  const held = (): Promise<'held'> => {
    if (hasLeft) return Promise.resolve('held')
    return new Promise((resolve) => {
      isHeld = true
      release = () => resolve('held')
      waiting = new BroadcastChannel(seatChannel(database))
      waiting.onmessage = ({ data }: MessageEvent<unknown>) => {
        if (isWaiting(data)) events.onWaiting()
      }
      events.onGranted()
    })
  }
  const run = async () => {
    const outcome = await locks.request(name, { ifAvailable: true }, (lock) =>
      lock === null ? 'taken' : held(),
    )
    if (outcome === 'held' || hasLeft) return
    events.onQueued()
    await locks.request(name, { signal: queue.signal }, held)
  }
  run().catch((reason: unknown) => {
    if (hasLeft) return
    hasLeft = true
    waiting?.close()
    if (isHeld) events.onLost()
    else events.onError(reason)
  })
  return {
    leave() {
      if (hasLeft) return
      hasLeft = true
      queue.abort()
      waiting?.close()
      release()
    },
  }
}

function isWaiting(data: unknown): data is Waiting {
  return (
    typeof data === 'object' && data !== null && 'type' in data && data.type === 'stepwell:waiting'
  )
}

/** The seat's holder cannot lead for now: those who wait for it should know why. */
export function announceUnavailable(database: string, { code, message }: StepwellError): void {
  const everybody = new BroadcastChannel(eventChannel(database))
  const said: ToEverybody = { type: 'unavailable', buildId: BUILD_ID, error: { code, message } }
  everybody.postMessage(said)
  everybody.close()
}
