// The tarballs that would be published, in examples/next: server rendering, hydration, StrictMode, and bundlers that make
// workers classic scripts. By clicks, and by what the app's own API has on record.
import type { BrowserContext, Page } from '@playwright/test'
import { button, picture } from '../support/example.js'
import { expect, test } from '../support/fixtures.js'
import {
  buildNextApp,
  copyNextApp,
  installNextApp,
  type NextServer,
  startNextApp,
} from '../support/next-app.js'

// One folder: one after the other.
test.describe.configure({ mode: 'serial', timeout: 60_000 })

// Of public/contacts.csv: four rows are no contacts, and two name a person again.
const ROWS = 120
const ADDED = 114
const DONE = '114 contacts added, 2 updated, 4 rows left out.'
/** The engine's and the one that runs the jobs. */
const WORKERS = 2
const COMMANDS = [
  { name: 'built with Turbopack', command: 'start', bundler: 'turbopack' },
  { name: 'built with webpack', command: 'start', bundler: 'webpack' },
  { name: 'under next dev', command: 'dev', bundler: null },
] as const

for (const { name, command, bundler } of COMMANDS) {
  test.describe(`packed, in an app of Next.js ${name}`, () => {
    let app: NextServer

    test.beforeAll(async () => {
      test.setTimeout(300_000)
      installNextApp()
      copyNextApp()
      if (bundler !== null) buildNextApp(bundler)
      app = await startNextApp(command)
      // `next dev` compiles what is asked for the first time.
      for (const path of ['', 'api/contacts']) await (await fetch(`${app.origin}/${path}`)).text()
    })
    test.afterAll(() => app?.close())

    test('the page is rendered on the server, with what the hooks say there', async () => {
      const html = await (await fetch(app.origin)).text()
      expect(html).toMatch(/<button [^>]*disabled=""[^>]*>Import the sample<\/button>/)
      expect(html).toContain('Opening the database of this browser…')
      expect(html).toMatch(/class="badge is-loading"/)
    })

    test('each row of a file gets to the server once', async ({ sharedContext }) => {
      const { page, complaints } = await open(sharedContext, app.origin)
      await button(page, 'Import the sample').click()
      await expect(page.getByText(DONE)).toBeVisible({ timeout: 40_000 })
      await expect(page.getByText(`${ROWS} of ${ROWS}`)).toBeVisible()
      await expect(figure(page, 'Contacts')).toHaveText(String(ADDED))
      await expect(figure(page, 'Repeats')).toHaveText('0')
      const log = page.getByRole('list', { name: 'Log' })
      await expect(log.getByText(/ updated$/).last()).toBeVisible()
      await page.getByLabel('Show').selectOption('What was left out')
      await expect(log.getByRole('listitem')).toHaveCount(ROWS - ADDED - 2)
      await expect(log).toContainText('A row is left out: the name is missing')
      expect(page.workers()).toHaveLength(WORKERS)
      expect(complaints).toEqual([])
      await page.close()
    })

    test('a reload in its midst, and a second tab', async ({ sharedContext }) => {
      const { page, complaints } = await open(sharedContext, app.origin)
      await button(page, 'Import the sample').click()
      await expect.poll(() => rows(page)).toBeGreaterThan(25)
      const before = await rows(page)
      if (bundler === 'turbopack') await takePictures(page, 'next')
      await page.reload()
      await expect.poll(() => rows(page)).toBeGreaterThanOrEqual(before)
      await expect(button(page, 'Import the sample')).toBeDisabled()
      const second = await open(sharedContext, app.origin, 'follower')
      await expect.poll(() => rows(second.page)).toBeGreaterThan(before)
      expect(second.page.workers()).toEqual([])
      for (const tab of [page, second.page]) {
        await expect(tab.getByText(DONE)).toBeVisible({ timeout: 40_000 })
      }
      await expect(figure(page, 'Contacts')).toHaveText(String(ADDED))
      // The row that was on its way at the reload.
      expect(Number(await figure(page, 'Repeats').textContent())).toBeLessThanOrEqual(1)
      expect(page.workers()).toHaveLength(WORKERS)
      expect([...complaints, ...second.complaints]).toEqual([])
      await second.page.close()
      await page.close()
    })

    test('while the API is down rows wait, and then go on', async ({ sharedContext }) => {
      const { page, complaints } = await open(sharedContext, app.origin)
      await button(page, 'Import the sample').click()
      await expect.poll(() => rows(page)).toBeGreaterThan(5)
      await page.getByLabel('The API is up').uncheck()
      await expect(page.getByText(/^The API is down: 503\. Again at [\d:]+\.$/)).toBeVisible()
      const held = await rows(page)
      if (bundler === 'turbopack') await takePictures(page, 'next-waiting')
      await page.reload()
      await expect(page.getByText(/^The API is down: 503\./)).toBeVisible()
      expect(await rows(page)).toBe(held)
      await expect(figure(page, 'Pauses')).not.toHaveText('0')
      await page.getByLabel('The API is up').check()
      await expect.poll(() => rows(page)).toBeGreaterThan(held)
      await button(page, 'Cancel').click()
      await expect(page.getByText('Cancelled. What was sent')).toBeVisible()
      expect(complaints).toEqual([])
      await page.close()
    })
  })
}

/** A tab on an empty address book, and what it complains of. */
async function open(context: BrowserContext, origin: string, role = 'leader') {
  if (role === 'leader') await fetch(`${origin}/api/contacts`, { method: 'DELETE' })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', ({ message }) => complaints.push(message))
  page.on('console', (message) => {
    // The browser itself writes each answer 429 and 503 there.
    if (message.text().startsWith('Failed to load resource:')) return
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  await page.goto(origin)
  await expect(page.getByRole('status', { name: 'Engine' })).toContainText(role)
  return { page, complaints }
}

const figure = (page: Page, name: string) =>
  page
    .locator('.figure')
    .filter({ has: page.getByText(name, { exact: true }) })
    .locator('.figure-value')

/** How many rows are done; 0 while that is not known. */
async function rows(page: Page): Promise<number> {
  const [text = ''] = await page.getByText(/^\d+ of \d+$/).allInnerTexts()
  return Number.parseInt(text, 10) || 0
}

async function takePictures(page: Page, name: string): Promise<void> {
  await picture(page, `${name}-light`, 1280, 'light')
  await picture(page, `${name}-dark`, 1280, 'dark')
  await picture(page, `${name}-phone`, 390, 'dark')
}
