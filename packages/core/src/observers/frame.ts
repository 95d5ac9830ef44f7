/**
 * Changes that may be shown together: at most once an animation frame, and all of the page in one task, so that React
 * makes one commit of them. A hidden page has no frames and gets a slow timer.
 */
import { guarded } from '../client/emitter.js'

const HIDDEN_MS = 100

const waiting = new Set<() => void>()
let frame: number | undefined
let timer: ReturnType<typeof setTimeout> | undefined

/** Calls `show` in the next frame; once, however often it is asked for until then. */
export function inNextFrame(show: () => void): void {
  waiting.add(show)
  if (timer !== undefined) return
  if (typeof requestAnimationFrame === 'function') frame = requestAnimationFrame(flush)
  // Beside the frame and not instead of it: a page can be hidden between this call and the frame.
  timer = setTimeout(onTimer, HIDDEN_MS)
}

/** A page that is seen gets its frame, however late: on a busy machine frames may be further apart than this timer. */
function onTimer(): void {
  if (frame !== undefined && document.visibilityState === 'visible') {
    timer = setTimeout(onTimer, HIDDEN_MS)
  } else {
    flush()
  }
}

export function cancelFrame(show: () => void): void {
  waiting.delete(show)
}

function flush(): void {
  if (frame !== undefined) cancelAnimationFrame(frame)
  clearTimeout(timer)
  frame = undefined
  timer = undefined
  const shows = [...waiting]
  waiting.clear()
  for (const show of shows) guarded(show)
}
