/** Upkeep of the database when nothing else is to be done. Set off by work and never by itself: an idle engine is silent. */
const IDLE_MS = 2_000

export interface Idle {
  /** Something was written: upkeep is due after a pause, counted from the last call. */
  readonly touch: () => void
  readonly stop: () => void
}

/** @param maintain does a bounded piece of upkeep, and says whether there is more. */
export function createIdle(maintain: () => boolean): Idle {
  let timer: ReturnType<typeof setTimeout> | null = null
  let touchedAt = 0
  let isStopped = false

  const wait = (ms: number) => {
    timer = setTimeout(() => {
      timer = null
      const restMs = touchedAt + IDLE_MS - performance.now()
      // One timer a pause, and not one a batch: it is the timer that looks whether there was work meanwhile.
      if (restMs > 0) wait(restMs)
      else if (maintain()) touch()
    }, ms)
  }
  const touch = () => {
    touchedAt = performance.now()
    if (timer === null && !isStopped) wait(IDLE_MS)
  }
  return {
    touch,
    stop() {
      isStopped = true
      if (timer !== null) clearTimeout(timer)
      timer = null
    },
  }
}
