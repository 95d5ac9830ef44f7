/** How long a function may take: its signal fires first, and after a grace it is given up. */
import { afterMs } from '../after-ms.js'

/** For a function to end by its signal. The engine counts with it too. */
export const GRACE_MS = 1_000

export interface LimitEvents {
  /** Its time is up. */
  readonly onTime: () => void
  /** It has not ended by its signal. */
  readonly onOver: () => void
}

/** Returns what stops it. */
export function startLimit(ms: number, { onTime, onOver }: LimitEvents): () => void {
  let stop = afterMs(ms, () => {
    stop = afterMs(GRACE_MS, onOver)
    onTime()
  })
  return () => stop()
}
