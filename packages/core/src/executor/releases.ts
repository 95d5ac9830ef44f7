/**
 * The order in which the outcomes of one run's steps reach its code.
 *
 * A race between steps must end alike in the first execution and in each replay. So outcomes are released one by one, in
 * the order in which they were stored, and each only after the continuations of the one before have run, whether they
 * are memoised or new. "Have run" is a macrotask boundary: counted microtasks would be a guess about how many `await`s
 * and `then`s the user's code puts between a result and its next step.
 *
 * A result that comes alone, as in code without parallel steps, is released at once: it costs no macrotask. One whose
 * Blobs have yet to be read keeps its place, and those after it wait.
 */
import type { Turns } from './turns.js'

/** What has to happen before an outcome can be released; `null`: nothing. */
export type Ready = Promise<void> | null

export interface Releases {
  /** A stored outcome, by its place in the order of outcomes. Of those asked for, the first in that order goes first. */
  readonly memoised: (completedIndex: number, release: () => void, ready: Ready) => void
  /** A new outcome, once it is stored. New ones go after all memoised ones that were asked for, as they came after them. */
  readonly live: (release: () => void, ready?: Ready) => void
  readonly stop: () => void
}

interface Entry {
  /** 0 for live ones, which stay as they came. */
  readonly completedIndex: number
  readonly release: () => void
  isReady: boolean
}

export function createReleases(turns: Turns): Releases {
  const memoised: Entry[] = []
  const live: Entry[] = []
  let lastTurn = -1
  let isScheduled = false
  let isStopped = false

  const releaseNow = (release: () => void) => {
    lastTurn = turns.current()
    release()
  }
  const isNextReady = () => (memoised[0] ?? live[0])?.isReady === true
  const schedule = () => {
    if (isScheduled || !isNextReady()) return
    isScheduled = true
    turns.later(() => {
      isScheduled = false
      // Another one may have come before it meanwhile.
      if (isStopped || !isNextReady()) return
      const next = memoised.shift() ?? live.shift()
      if (next !== undefined) releaseNow(next.release)
      schedule()
    })
  }
  const entry = (completedIndex: number, release: () => void, ready: Ready): Entry => {
    const made = { completedIndex, release, isReady: ready === null }
    void ready?.then(() => {
      made.isReady = true
      if (!isStopped) schedule()
    })
    return made
  }
  return {
    memoised(completedIndex, release, ready) {
      let at = memoised.length
      while (at > 0 && (memoised[at - 1]?.completedIndex ?? -1) > completedIndex) at -= 1
      memoised.splice(at, 0, entry(completedIndex, release, ready))
      schedule()
    },
    live(release, ready = null) {
      const isAlone = memoised.length === 0 && live.length === 0
      if (isAlone && ready === null && lastTurn !== turns.current()) {
        releaseNow(release)
        return
      }
      live.push(entry(0, release, ready))
      schedule()
    },
    stop() {
      isStopped = true
      memoised.length = 0
      live.length = 0
    },
  }
}
