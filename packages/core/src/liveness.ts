/** A Web Lock by which the engine sees that an executor, or a follower, is alive: it is granted to the engine after it. */
export interface Liveness {
  /** Resolves when the lock is held. */
  readonly held: Promise<void>
  readonly release: () => void
}

/** Without Web Locks (Node, insecure pages with memory storage) nothing is held: executor and engine die together there. */
export function holdLock(name: string, locks: LockManager | undefined): Liveness {
  if (locks === undefined) return { held: Promise.resolve(), release: () => undefined }
  const withdrawal = new AbortController()
  let release: () => void = () => undefined
  const held = new Promise<void>((resolve, reject) => {
    const grant = () =>
      new Promise<void>((end) => {
        release = end
        resolve()
      })
    locks.request(name, { signal: withdrawal.signal }, grant).catch(reject)
  })
  // A withdrawn request rejects; whoever withdrew it no longer waits.
  held.catch(() => undefined)
  return {
    held,
    release() {
      withdrawal.abort()
      release()
    },
  }
}
