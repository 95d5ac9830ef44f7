/** What the browser tells a page about its own life. */

export interface PageEvents {
  /**
   * The page is being left. `cached`: it goes to the back/forward cache, or is frozen, and may come back. `suspended`: it
   * was hidden in a browser that stops hidden pages without a word, and there are some seconds left.
   */
  onHide(how: 'closed' | 'cached' | 'suspended'): void
  /** It came back. */
  onShow(): void
  /** It is shown, or hidden and still runs. */
  onVisibility(isVisible: boolean): void
  /** Time may have jumped. */
  onTick(): void
  /** The browser went online or offline. */
  onNetwork(isOnline: boolean): void
}

export function listenToPage(events: PageEvents): () => void {
  const off = new AbortController()
  const { signal } = off
  const tick = () => events.onTick()
  const stopsHidden = suspendsHiddenPages()
  const onVisibility = () => {
    const isVisible = isPageVisible()
    if (stopsHidden && isVisible) events.onShow()
    else if (stopsHidden) events.onHide('suspended')
    events.onVisibility(isVisible)
    tick()
  }
  addEventListener('pagehide', ({ persisted }) => events.onHide(persisted ? 'cached' : 'closed'), {
    signal,
  })
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
  document.addEventListener('visibilitychange', onVisibility, { signal })
  // A frozen tab would keep its lock and its file handles, and nobody else could work.
  document.addEventListener('freeze', () => events.onHide('cached'), { signal })
  document.addEventListener('resume', () => events.onShow(), { signal })
  return () => off.abort()
}

export function isPageVisible(): boolean {
  return document.visibilityState === 'visible'
}

/**
 * WebKit stops a hidden page, and its workers with file handles and locks, without telling it: it has no `freeze`. Firefox
 * has none either, and lets hidden pages run.
 */
export function suspendsHiddenPages(): boolean {
  return !('onfreeze' in document) && navigator.vendor.startsWith('Apple')
}
