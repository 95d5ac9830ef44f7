/**
 * The order in which the outcomes of one run's steps reach its code.
 *
 * A race between steps must end alike in the first execution and in each replay. So outcomes are released one by one, in
 * the order in which they were stored, and each only after the continuations of the one before have run, whether they
 * are memoised or new. "Have run" is a macrotask boundary: counted microtasks would be a guess about how many `await`s
 * and `then`s the user's code puts between a result and its next step.
 *
 * A result that comes alone, as in code without parallel steps, is released at once: it costs no macrotask.
 */
import type { Turns } from './turns.js'

export interface Releases {
  /** A stored outcome, by its place in the order of outcomes. Of those asked for, the first in that order goes first. */
  readonly memoised: (completedIndex: number, release: () => void) => void
  /** A new outcome, once it is stored. New ones go after all memoised ones that were asked for, as they came after them. */
  readonly live: (release: () => void) => void
  readonly stop: () => void
}

export function createReleases(turns: Turns): Releases {
  const memoised: { completedIndex: number; release: () => void }[] = []
  const live: (() => void)[] = []
  let lastTurn = -1
  let isScheduled = false
  let isStopped = false

  const releaseNow = (release: () => void) => {
    lastTurn = turns.current()
    release()
  }
  const schedule = () => {
    if (isScheduled) return
    isScheduled = true
    turns.later(() => {
      isScheduled = false
      if (isStopped) return
      const next = memoised.shift()?.release ?? live.shift()
      if (next !== undefined) releaseNow(next)
      if (memoised.length > 0 || live.length > 0) schedule()
    })
  }
  return {
    memoised(completedIndex, release) {
      let at = memoised.length
      while (at > 0 && (memoised[at - 1]?.completedIndex ?? -1) > completedIndex) at -= 1
      memoised.splice(at, 0, { completedIndex, release })
      schedule()
    },
    live(release) {
      const isAlone = memoised.length === 0 && live.length === 0
      if (isAlone && lastTurn !== turns.current()) {
        releaseNow(release)
        return
      }
      live.push(release)
      schedule()
    },
    stop() {
      isStopped = true
      memoised.length = 0
      live.length = 0
    },
  }
}
