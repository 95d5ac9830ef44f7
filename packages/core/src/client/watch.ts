/** Notices an engine worker that owes an answer and says nothing. Runs only while an answer is owed. */

const TICK_MS = 1000
/** Ticks and not a deadline: a machine that slept for an hour counts as one tick. */
const SILENT_TICKS_MAX = 10

export interface Watch {
  /** Call after each request. */
  start(): void
  /** Call on each message from the engine. */
  heard(): void
  stop(): void
}

export function createWatch(isWaiting: () => boolean, onSilent: () => void): Watch {
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
    if (ticks >= SILENT_TICKS_MAX) {
      stop()
      onSilent()
    } else {
      timer = setTimeout(tick, TICK_MS)
    }
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
