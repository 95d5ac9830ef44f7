/**
 * Upkeep of the database when nothing else is to be done: after work, once after the start, and where runs are deleted by
 * their age also as time goes by. Otherwise an idle engine is silent.
 */
const IDLE_MS = 2_000
/** A page that has just come up has other things to do. */
const AFTER_START_MS = 5_000
/** Between two pieces: messages must come through. */
const PAUSE_MS = 50
/** Runs grow old without any work; how often that is looked at. */
const REPEAT_MS_MIN = 1_000
const REPEAT_MS_MAX = 3_600_000

export interface Idle {
  /** @param retentionMs the age at which runs are deleted; `null`: never. */
  readonly start: (retentionMs: number | null) => void
  /** Something was written: upkeep is due after a pause, counted from the last call. */
  readonly touch: () => void
  readonly stop: () => void
}

/** @param upkeep does a bounded piece, and says whether there is more. */
export function createIdle(upkeep: () => boolean): Idle {
  let timer: ReturnType<typeof setTimeout> | null = null
  let dueAt = 0
  /** From which upkeep may begin. */
  let freeAt = 0
  let repeatMs: number | null = null
  let isStopped = false

  /** One timer a pause, and not one a batch: it is the timer that looks whether there was work meanwhile. */
  const wakeAt = (time: number) => {
    if (isStopped || (timer !== null && dueAt <= time)) return
    if (timer !== null) clearTimeout(timer)
    dueAt = time
    timer = setTimeout(wake, Math.max(0, time - performance.now()))
  }
  const wake = () => {
    timer = null
    if (freeAt > performance.now()) return wakeAt(freeAt)
    const pauseMs = upkeep() ? PAUSE_MS : repeatMs
    if (pauseMs !== null) wakeAt(performance.now() + pauseMs)
  }
  return {
    start(retentionMs) {
      if (retentionMs !== null) {
        repeatMs = Math.min(Math.max(retentionMs, REPEAT_MS_MIN), REPEAT_MS_MAX)
      }
      wakeAt(performance.now() + AFTER_START_MS)
    },
    touch() {
      freeAt = performance.now() + IDLE_MS
      wakeAt(freeAt)
    },
    stop() {
      isStopped = true
      if (timer !== null) clearTimeout(timer)
      timer = null
    },
  }
}
