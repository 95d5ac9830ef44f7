/** Timers beyond this fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1

/** A timer of any length. Returns what stops it. */
export function afterMs(ms: number, call: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const wait = (restMs: number) => {
    const stretchMs = Math.min(restMs, TIMER_MS_MAX)
    timer = setTimeout(() => (restMs > stretchMs ? wait(restMs - stretchMs) : call()), stretchMs)
  }
  wait(ms)
  return () => clearTimeout(timer)
}
