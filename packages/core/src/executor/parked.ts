/** Functions that wait in memory: so many at most, and then those that have waited longest are dropped, to be replayed. */
import type { RunId } from '../generated/protocol.js'

/** A parked function takes some kilobytes; a replay takes a claim and its memo. */
export const PARKED_MAX_DEFAULT = 1_000

export interface Parked {
  readonly add: (runId: RunId) => void
  readonly delete: (runId: RunId) => void
}

export function createParked(countMax: number, evict: (runId: RunId) => void): Parked {
  // A set keeps the order of insertion.
  const ids = new Set<RunId>()
  return {
    add(runId) {
      ids.add(runId)
      if (ids.size <= countMax) return
      const [oldest] = ids
      if (oldest === undefined) return
      ids.delete(oldest)
      evict(oldest)
    },
    delete: (runId) => void ids.delete(runId),
  }
}
