/**
 * The order of an executor's messages while some of them wait for their blobs: messages about one run stay in order, for
 * the ordinals of its log lines rise with each; other runs do not wait. A `hello` waits for all before it, and all after
 * it wait for it: it makes new generations, and a message that it overtook would be refused.
 */
import type { ExecutorEnvelope, RunId } from '../../generated/protocol.js'

export interface Lanes {
  /** @param stored resolves when the envelope may pass; `null`: it needs nothing. */
  readonly add: (envelope: ExecutorEnvelope, stored: Promise<boolean> | null) => void
  /** Forgets what waits. */
  readonly close: () => void
}

interface Waiting {
  readonly envelope: ExecutorEnvelope
  isReady: boolean
}

/** @param pass takes an envelope whose turn it is. One that resolves with `false` is dropped. */
export function createLanes(pass: (envelope: ExecutorEnvelope) => void): Lanes {
  let waiting: Waiting[] = []

  const release = () => {
    const blocked = new Set<RunId>()
    let isBarred = false
    const kept: Waiting[] = []
    for (const entry of waiting) {
      const lane = laneOf(entry.envelope)
      const isBlocked = isBarred || (lane === null ? kept.length > 0 : blocked.has(lane))
      if (!isBlocked && entry.isReady) {
        pass(entry.envelope)
        continue
      }
      kept.push(entry)
      if (lane === null) isBarred = true
      else blocked.add(lane)
    }
    waiting = kept
  }
  return {
    add(envelope, stored) {
      if (stored === null && waiting.length === 0) return pass(envelope)
      const entry = { envelope, isReady: stored === null }
      waiting.push(entry)
      if (stored === null) return release()
      void stored.then((isStored) => {
        if (isStored) entry.isReady = true
        else waiting = waiting.filter((other) => other !== entry)
        release()
      })
    },
    close() {
      waiting = []
    },
  }
}

/** `null`: it is about no run. */
function laneOf({ message }: ExecutorEnvelope): RunId | null {
  return message.type === 'hello' ? null : message.runId
}
