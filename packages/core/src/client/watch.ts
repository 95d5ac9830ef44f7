/** Notices that an answer is owed and nobody says anything. Runs only while an answer is owed. */

/** Ticks and not a deadline: a machine that slept for an hour counts as one tick. */
const TICK_MS = 1000

export interface Watch {
  /** Call after each request. */
  start(): void
  /** Call on each sign of life. */
  heard(): void
  stop(): void
}

/** @param onSilence told after each second of silence how many there were. */
export function createWatch(isWaiting: () => boolean, onSilence: (seconds: number) => void): Watch {
  let timer: ReturnType<typeof setTimeout> | undefined
  let ticks = 0
  const stop = () => {
    clearTimeout(timer)
    timer = undefined
    ticks = 0
  }
  const tick = () => {
    timer = undefined
    if (!isWaiting()) return stop()
    ticks += 1
    timer = setTimeout(tick, TICK_MS)
    onSilence(ticks)
  }
  return {
    start() {
      if (timer !== undefined) return
      ticks = 0
      timer = setTimeout(tick, TICK_MS)
    },
    heard() {
      ticks = 0
    },
    stop,
  }
}
