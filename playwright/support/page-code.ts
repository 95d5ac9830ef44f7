/** What a page loads when it needs it, by the names that the build gives the files. */
import type { BrowserContext, Page } from '@playwright/test'

export const RUNTIME = /\/assets\/runtime-[^/]*\.js$/
export const PAGE_EXECUTOR = /\/assets\/in-page-[^/]*\.js$/

/** A tab that cannot load what fits the pattern, as after a deployment that has removed it. */
export async function openWithout(
  context: BrowserContext,
  pattern: RegExp,
  address: string,
): Promise<Page> {
  const page = await context.newPage()
  await page.route(pattern, (route) => route.abort())
  await page.goto(address)
  return page
}
