/** What the browser tells a page about its own life. */

export interface PageEvents {
  /** The page is being left. `isKept`: it goes to the back/forward cache, or is frozen, and may come back. */
  onHide(isKept: boolean): void
  /** It came back. */
  onShow(): void
  /** Time may have jumped. */
  onTick(): void
  /** The browser went online or offline. */
  onNetwork(isOnline: boolean): void
}

export function listenToPage(events: PageEvents): () => void {
  const off = new AbortController()
  const { signal } = off
  const tick = () => events.onTick()
  addEventListener('pagehide', ({ persisted }) => events.onHide(persisted), { signal })
  addEventListener(
    'pageshow',
    ({ persisted }) => {
      if (persisted) events.onShow()
      events.onTick()
    },
    { signal },
  )
  addEventListener('focus', tick, { signal })
  addEventListener('online', tick, { signal })
  addEventListener('online', () => events.onNetwork(true), { signal })
  addEventListener('offline', () => events.onNetwork(false), { signal })
  document.addEventListener('visibilitychange', tick, { signal })
  // A frozen tab would keep its lock and its file handles, and nobody else could work.
  document.addEventListener('freeze', () => events.onHide(true), { signal })
  document.addEventListener('resume', () => events.onShow(), { signal })
  return () => off.abort()
}
