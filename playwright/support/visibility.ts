/** Pages that are hidden, which Playwright never does to one. */
import type { BrowserContext, Page } from '@playwright/test'

export function setVisible(page: Page, isVisible: boolean): Promise<void> {
  return page.evaluate((isVisible) => {
    const state = isVisible ? 'visible' : 'hidden'
    Object.defineProperty(document, 'visibilityState', { configurable: true, value: state })
    Object.defineProperty(document, 'hidden', { configurable: true, value: !isVisible })
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
  }, isVisible)
}

/** Pages of this context take their browser for WebKit, which stops hidden pages without a word. */
export async function passForWebKit(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    Reflect.deleteProperty(Document.prototype, 'onfreeze')
    const vendor = { configurable: true, get: () => 'Apple Computer, Inc.' }
    Object.defineProperty(Navigator.prototype, 'vendor', vendor)
  })
}
