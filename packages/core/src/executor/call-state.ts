/**
 * Where the call of a step stands, and with it whether its run is busy or only waits.
 *
 * | state     | on …                                             | becomes   |
 * |-----------|--------------------------------------------------|-----------|
 * | `held`    | the run goes on here (at once, but when parked)  | `busy`    |
 * | `busy`    | a wait was said to the engine                    | `posted`  |
 * | `busy`    | the stored step waits                            | `waiting` |
 * | `busy`    | its outcome is released                          | `settled` |
 * | `posted`  | the acknowledgement                              | `waiting` |
 * | `posted`, `waiting` | the engine told an outcome             | `busy`    |
 * | `posted`, `waiting` | the engine told that it has to run     | `busy`    |
 * | any       | a map that has failed drops it                   | `settled` |
 */
import type { Suspension } from './suspension.js'

type State = 'held' | 'busy' | 'posted' | 'waiting' | 'settled'

export interface CallState {
  is(state: State): boolean
  /** Something is done about it: it starts, or has an outcome. */
  begin(): void
  wait(): void
  /** A wait is said to the engine. @returns to be called with the acknowledgement. */
  post(): () => void
  /** @returns whether it was not settled before. */
  settle(): boolean
}

export function createCallState(suspension: Suspension): CallState {
  let state: State = 'held'
  let posts = 0

  const wait = () => {
    state = 'waiting'
    suspension.beginWait()
    suspension.end()
  }
  return {
    is: (other) => state === other,
    begin() {
      if (state === 'waiting') suspension.endWait()
      if (state !== 'busy' && state !== 'posted') suspension.begin()
      state = 'busy'
    },
    wait,
    post() {
      state = 'posted'
      posts += 1
      const post = posts
      return () => {
        // Else its end was told before, and perhaps it waits again.
        if (state === 'posted' && post === posts) wait()
      }
    },
    settle() {
      if (state === 'settled') return false
      const before = state
      state = 'settled'
      if (before === 'waiting') suspension.endWait()
      else if (before !== 'held') suspension.end()
      return true
    },
  }
}
