/** What tests do with several tabs of one database. */
import type { BrowserContext, Page } from '@playwright/test'
import { expect, type OpenPage, type PageOptions } from './fixtures.js'
import { ready } from './page.js'

type Options = PageOptions & { readonly context?: BrowserContext }

/** Tabs of which the first leads, in the order in which they queue for its place. */
export async function openTabs(
  openPage: OpenPage,
  count: number,
  options: Options = {},
): Promise<Page[]> {
  const tabs: Page[] = []
  for (let i = 0; i < count; i++) {
    const tab = await openPage(options)
    await (i === 0 ? leads(tab) : follows(tab))
    tabs.push(tab)
  }
  return tabs
}

/** Two tabs, of which the first leads. */
export async function twoTabs(
  openPage: OpenPage,
  options: Options = {},
): Promise<readonly [Page, Page]> {
  const [leader, follower] = await openTabs(openPage, 2, options)
  if (leader === undefined || follower === undefined) throw new Error('there are two tabs')
  return [leader, follower]
}

export async function leads(page: Page): Promise<void> {
  await ready(page)
  await page.waitForFunction(
    () => window.stepwell.status.role === 'leader' && window.stepwell.status.state === 'ready',
  )
}

export async function follows(page: Page): Promise<void> {
  await ready(page)
  await page.waitForFunction(
    () => window.stepwell.status.role === 'follower' && window.stepwell.status.state === 'ready',
  )
}

/** Of `status`, what can leave the page. */
export const statusOf = (page: Page) =>
  page.evaluate(() => {
    const { state, role, epoch, error, unservedJobs } = window.stepwell.status
    return { state, role, epoch, code: error?.code, message: error?.message, unservedJobs }
  })

export const epochOf = (page: Page) => page.evaluate(() => window.stepwell.status.epoch ?? 0)

/** By a link, as a visitor does. */
export async function goAway(page: Page): Promise<void> {
  await page.evaluate(() => Object.assign(window, { wasHere: true }))
  await page.click('#away')
  await page.waitForURL('**/plain')
}

/**
 * By the back button. A page that comes out of the cache fires no `load`, and is the one that was left.
 * @param allowed why Chromium may have dropped the page from its cache, beside none at all.
 */
export async function comeBack(page: Page, allowed?: string): Promise<void> {
  await page.goBack({ waitUntil: 'commit' })
  await page.waitForFunction(() => 'stepwell' in window)
  const found = await page.evaluate(() => ({
    wasHere: 'wasHere' in window,
    reasons: JSON.stringify(performance.getEntriesByType('navigation')),
  }))
  if (allowed !== undefined && found.reasons.includes(`"reason":"${allowed}"`)) return
  // Else the page was loaded anew, and nothing was tested here.
  expect(found.wasHere, found.reasons).toBe(true)
}

/** Chromium freezes hidden pages only, and Playwright keeps all pages visible. */
export function freeze(page: Page): Promise<void> {
  return page.evaluate(() => void document.dispatchEvent(new Event('freeze')))
}

export function thaw(page: Page): Promise<void> {
  return page.evaluate(() => void document.dispatchEvent(new Event('resume')))
}

/** Its renderer ends at once, and nothing in it is told. */
export async function crashTab(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const crashed = new Promise((resolve) => page.once('crash', resolve))
  session.send('Page.crash').catch(() => undefined)
  await crashed
}
