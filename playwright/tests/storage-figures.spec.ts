// What the browser says of the storage: figures, persistence, and a database that it deleted.
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { untilFree } from '../support/opfs.js'
import { ended, expectNothingUnhandled, ready, triggerSteps } from '../support/page.js'

declare global {
  interface Window {
    /** All that `estimate()` said in this page. */
    figuresSaid: { readonly usage: number; readonly quota: number }[]
  }
}

const status = (page: Page) => page.evaluate(() => window.stepwell.status)

const storageEvents = (page: Page) =>
  page.evaluate(() => window.events.filter(({ type }) => type === 'engine:storage'))

/** Lets the browser agree to `persist()`, or not, until the page is closed. */
async function decider(page: Page): Promise<(setting: 'granted' | 'denied') => Promise<void>> {
  const session = await page.context().newCDPSession(page)
  const permission = { name: 'persistent-storage' }
  const { origin } = new URL(page.url())
  return async (setting) => {
    await session.send('Browser.setPermission', { permission, setting, origin })
  }
}

/** What a browser does that makes room: the files are gone, and `localStorage` is not. */
async function evict(page: Page, database: string): Promise<void> {
  await page.goto(new URL('/plain', page.url()).href)
  await untilFree(page, database)
  await page.evaluate(async (database) => {
    const root = await navigator.storage.getDirectory()
    await root.removeEntry(`stepwell-${database}`, { recursive: true })
  }, database)
}

test('persist() asks the browser, and the status says what it agreed to', async ({
  openPage,
  launchBrowser,
  profile,
}) => {
  const page = await openPage({ context: await launchBrowser(profile) })
  await ready(page)
  const decide = await decider(page)
  await decide('denied')
  expect(await page.evaluate(() => window.stepwell.persist())).toBe(false)
  expect((await status(page)).storage).toBe('best-effort')
  await decide('granted')
  expect(await page.evaluate(() => window.stepwell.persist())).toBe(true)
  expect((await status(page)).storage).toBe('persistent')
  expect((await storageEvents(page)).at(-1)).toMatchObject({ storage: 'persistent', loss: null })
  const follower = await openPage({ context: page.context() })
  await ready(follower)
  // The leader tells what it found when it opened; then the follower asks for itself.
  await expect
    .poll(() => status(follower))
    .toMatchObject({ role: 'follower', storage: 'persistent' })
  expect(await follower.evaluate(() => window.stepwell.persist())).toBe(true)
})

test('memory storage has nothing to persist, and no figures', async ({ openPage }) => {
  const page = await openPage({ storage: 'memory' })
  await ready(page)
  expect(await page.evaluate(() => window.outcome(window.stepwell.persist()))).toMatchObject({
    ok: false,
    code: 'storage_unavailable',
    message: expect.stringMatching(/'memory'.*'opfs'/),
  })
  expect(await status(page)).toMatchObject({ storage: 'memory', quota: null, loss: null })
})

test('the status has the figures of the browser, and asks again when the page becomes visible', async ({
  openPage,
  address,
}) => {
  const page = await openPage()
  // They change all the time: what counts is what the browser said when it was asked.
  await page.addInitScript(() => {
    window.figuresSaid = []
    const estimate = navigator.storage.estimate.bind(navigator.storage)
    navigator.storage.estimate = async () => {
      const figures = await estimate()
      window.figuresSaid.push({ usage: figures.usage ?? 0, quota: figures.quota ?? 0 })
      return figures
    }
  })
  await page.goto(address())
  await ready(page)
  await page.waitForFunction(() => window.stepwell.status.quota !== null)
  const { quota, told } = await page.evaluate(() => ({
    quota: window.stepwell.status.quota,
    told: window.figuresSaid,
  }))
  expect(quota?.usage).toBeGreaterThan(0)
  expect(told).toContainEqual(quota)
  // Something else of the origin grows, by more than the database may shrink meanwhile.
  await page.evaluate(async () => {
    const cache = await caches.open('figures')
    await cache.put('/large', new Response(new Uint8Array(8_000_000)))
  })
  await page.waitForFunction(async (before) => {
    const { usage = 0 } = await navigator.storage.estimate()
    return usage >= before + 4_000_000
  }, quota?.usage ?? 0)
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
  await page.waitForFunction(
    (before) => (window.stepwell.status.quota?.usage ?? 0) >= before + 4_000_000,
    quota?.usage ?? 0,
  )
  await page.evaluate(() => caches.delete('figures'))
})

test('a database that the browser deleted is told as evicted, once, and works on empty', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const address = page.url()
  await ended(page, await triggerSteps(page, { key, count: 1 }))
  expect((await status(page)).loss).toBeNull()
  const startedAt = Date.now()
  await evict(page, key)
  await page.goto(address)
  await ready(page)
  expect(await status(page)).toMatchObject({
    state: 'ready',
    loss: { kind: 'evicted', message: expect.stringMatching(/deleted.*persist/s) },
    error: null,
  })
  expect((await status(page)).loss?.at).toBeGreaterThanOrEqual(startedAt)
  expect((await storageEvents(page)).at(-1)).toMatchObject({ loss: { kind: 'evicted' } })
  const follower = await openPage()
  await ready(follower)
  expect(await status(follower)).toMatchObject({ role: 'follower', loss: { kind: 'evicted' } })
  await follower.close()
  await ended(page, await triggerSteps(page, { key, count: 1 }))
  await page.reload()
  await ready(page)
  expect((await status(page)).loss).toBeNull()
  await expectNothingUnhandled(page)
})

test('no alarm where all data of the site were deleted', async ({ openPage, key }) => {
  const page = await openPage()
  const address = page.url()
  await ended(page, await triggerSteps(page, { key, count: 1 }))
  await evict(page, key)
  await page.evaluate(() => localStorage.clear())
  await page.goto(address)
  await ready(page)
  expect((await status(page)).loss).toBeNull()
})

test('where scripts may not use localStorage, everything works and an eviction goes unnoticed', async ({
  openPage,
  address,
  key,
}) => {
  const page = await openPage()
  await page.addInitScript(() => {
    Object.defineProperty(window, 'localStorage', {
      get() {
        throw new DOMException('denied', 'SecurityError')
      },
    })
  })
  await page.goto(address())
  await ended(page, await triggerSteps(page, { key, count: 1 }))
  await evict(page, key)
  await page.goto(address())
  await ready(page)
  expect((await status(page)).loss).toBeNull()
})

test('an import is no eviction', async ({ openPage, key }) => {
  const first = await openPage()
  await ended(first, await triggerSteps(first, { key, count: 1 }))
  await first.evaluate(async () => {
    await window.stepwell.importDatabase(await window.stepwell.exportDatabase())
  })
  expect((await status(first)).loss).toBeNull()
  await first.reload()
  await ready(first)
  expect((await status(first)).loss).toBeNull()
})

test('the hook shows the storage and its figures, and a component can ask for persistence', async ({
  openPage,
  launchBrowser,
  profile,
}) => {
  const page = await openPage({
    context: await launchBrowser(profile),
    page: 'react.html',
    query: { 'storage-panel': '1' },
  })
  await ready(page)
  const storage = page.getByTestId('storage')
  await expect(storage).toContainText(/^best-effort, of \d+ \d+ used/)
  const decide = await decider(page)
  await decide('granted')
  await storage.getByRole('button', { name: 'Persist' }).click()
  await expect(storage.getByRole('status')).toHaveText('true')
  await expect(storage).toContainText(/^persistent/)
})
