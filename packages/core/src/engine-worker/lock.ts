/** The Web Lock that is held exactly while the database's file handles are open. */
export interface HeldLock {
  readonly release: () => void
}

/**
 * A queued request evicts the page of a dying worker from the back/forward cache, where the browser finds that they
 * contend. A terminated worker's lock comes free within 150 ms, so a moment is spent on asking without queueing.
 */
const ASK_MS_MAX = 500
const ASK_EVERY_MS = 10

/**
 * Waits for a lock, for as long as it takes. Never steals: the robbed worker would go on writing.
 * @param onLost the browser took the lock away (somebody stole it): close the handles at once.
 */
export function acquireLock(
  name: string,
  signal: AbortSignal,
  onLost: () => void,
): Promise<HeldLock> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now()
    let isHeld = false
    const hold = () =>
      new Promise<void>((release) => {
        isHeld = true
        resolve({ release })
      })
    const ask = async (): Promise<void> => {
      if (performance.now() - startedAt > ASK_MS_MAX) {
        return navigator.locks.request(name, { signal }, hold)
      }
      const isMine = await navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
        if (lock === null) return false
        await hold()
        return true
      })
      if (isMine) return
      await new Promise((wake) => setTimeout(wake, ASK_EVERY_MS))
      signal.throwIfAborted()
      return ask()
    }
    ask().catch((reason: unknown) => {
      if (isHeld) onLost()
      else reject(reason)
    })
  })
}
