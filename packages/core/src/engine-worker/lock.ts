/** The Web Lock that is held exactly while the database's file handles are open. */
export interface HeldLock {
  readonly release: () => void
}

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
    let isHeld = false
    const hold = () =>
      new Promise<void>((release) => {
        isHeld = true
        resolve({ release })
      })
    navigator.locks.request(name, { signal }, hold).catch((reason: unknown) => {
      if (isHeld) onLost()
      else reject(reason)
    })
  })
}
