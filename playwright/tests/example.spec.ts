// examples/vite-react as a visitor uses it: by clicks.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Page } from '@playwright/test'
import { startServer, type TestServer } from '../server/server.mjs'
import {
  buildExample,
  button,
  EXAMPLE,
  giveFiles,
  isLeader,
  picture,
  status,
} from '../support/example.js'
import { expect, test } from '../support/fixtures.js'
import { startRawBrowser } from '../support/raw-browser.js'

const DATA = path.join(EXAMPLE, 'node_modules/vega-datasets/data')
const BATCHES = 400
/** Of a payload without its files. */
const PAYLOAD_BYTES_MAX = 4 * 1024 * 1024

let folder: string
let server: TestServer

test.describe.configure({ mode: 'default' })

test.beforeAll(async () => {
  test.setTimeout(60_000)
  folder = mkdtempSync(path.join(tmpdir(), 'stepwell-example-'))
  buildExample(folder)
})
test.afterAll(() => rmSync(folder, { recursive: true, force: true }))

// A server each: a port of its own is an origin and so a database of its own.
test.beforeEach(async () => {
  server = await startServer({ root: folder })
})
test.afterEach(() => server.close())

async function open(page: Page): Promise<void> {
  await page.goto(server.origin)
  await isLeader(page)
}

/** A number of the page; 0 while it is not there. */
async function figure(page: Page, testId: string): Promise<number> {
  const [text = ''] = await page.getByTestId(testId).allInnerTexts()
  return Number.parseInt(text.replaceAll(',', ''), 10) || 0
}

async function commits(page: Page, atLeast: number): Promise<void> {
  await expect.poll(() => figure(page, 'committed')).toBeGreaterThanOrEqual(atLeast)
}

/** Some more than there are now. */
async function goesOn(page: Page): Promise<void> {
  await commits(page, (await figure(page, 'committed')) + 5)
}

/** At most the one in flight at each crash, and no committed one. */
async function expectNothingRepeated(page: Page, crashes: number): Promise<void> {
  await expect(page.getByTestId('crashes')).toHaveText(String(crashes))
  expect(await figure(page, 'repeated')).toBeLessThanOrEqual(crashes)
  await expect(page.getByTestId('repeated-note')).toContainText('Of committed ones: 0')
}

test('start, crash, reload, second tab, fail, retry, done', async ({ sharedContext }) => {
  test.setTimeout(90_000)
  const page = await sharedContext.newPage()
  await open(page)
  await expect(page.getByText('export const flights = defineJob')).toBeVisible()
  await expect(page.getByLabel('Slow motion')).toBeChecked()
  await picture(page, 'idle-dark', 1440, 'dark')

  await button(page, 'Start').click()
  await commits(page, 5)
  await expectNothingRepeated(page, 0)

  await button(page, 'Crash the engine').click()
  await goesOn(page)
  await expectNothingRepeated(page, 1)
  await expect(page.getByTestId('recovery')).toHaveText(/^\d+(\.\d)? m?s$/)
  await expect(page.getByTestId('recovery-note')).toContainText('Committed after')

  const before = { committed: 0, flights: 0 }
  before.committed = await figure(page, 'committed')
  // The chart is drawn after the figures: it may not be there yet.
  await expect.poll(() => figure(page, 'chart-total')).toBeGreaterThan(0)
  before.flights = await figure(page, 'chart-total')
  await button(page, 'Reload').click()
  await expect(page.getByText('begun before the page was loaded')).toBeVisible()
  await expect.poll(() => figure(page, 'chart-total')).toBeGreaterThanOrEqual(before.flights)
  await commits(page, before.committed + 5)
  await expectNothingRepeated(page, 2)
  await expect(button(page, 'Start')).toBeDisabled()
  await picture(page, 'running-phone', 390, 'light')

  const [second] = await Promise.all([
    sharedContext.waitForEvent('page'),
    page.getByRole('link', { name: 'Open a second tab' }).click(),
  ])
  await expect(second.getByTestId('role')).toHaveText('This tab follows')
  await goesOn(second)
  await picture(second, 'follower-light', 1280, 'light')
  await page.close()
  await isLeader(second)
  await expect(second.getByTestId('last-change')).toHaveText(
    /^\d+(\.\d)? m?s until this tab had taken over$/,
  )
  await goesOn(second)
  await expectNothingRepeated(second, 3)

  await button(second, 'Make a batch fail').click()
  await expect(status(second)).toContainText('failed')
  await expect(second.getByText(/^batch-\d+: Batch \d+ failed, as you asked/)).toBeVisible()
  await picture(second, 'failed-dark', 1024, 'dark')
  await button(second, 'Retry').click()
  await goesOn(second)
  await second.getByLabel('Slow motion').uncheck()
  await expect(status(second)).toContainText('completed', { timeout: 40_000 })
  await expectNothingRepeated(second, 3)
  await expect(second.getByTestId('committed')).toHaveText(String(BATCHES))
  await expect(second.getByTestId('committed-note')).toContainText('steps per second')
  await picture(second, 'done-light', 1280, 'light')
  await expectWholeSum(second)
  await expectStartsOnRecord(second)

  // It stands again, also when nothing is at work any more.
  await button(second, 'Reload').click()
  await expectWholeSum(second)
  await expectNothingRepeated(second, 3)
  await second.close()
})

/** The chart's figures are those of the data set, hour by hour. */
async function expectWholeSum(page: Page): Promise<void> {
  const rows: { delay: number; time: number }[] = JSON.parse(
    readFileSync(path.join(DATA, 'flights-200k.json'), 'utf8'),
  )
  const late = rows.filter(({ delay }) => delay > 15).length
  const minutes = rows.reduce((sum, { delay }) => sum + Math.max(delay, 0), 0)
  const text = (value: number) => value.toLocaleString('en')
  await expect(page.getByTestId('chart-total')).toHaveText(
    `${text(rows.length)} flights, ${text(late)} late, ${text(minutes)} minutes lost`,
  )
  const expected = Array.from({ length: 24 }, (_, hour) => {
    const flights = rows.filter(({ time }) => Math.floor(time) === hour)
    const isLate = flights.filter(({ delay }) => delay > 15).length
    const lost = flights.reduce((sum, { delay }) => sum + Math.max(delay, 0), 0)
    return [flights.length, isLate, lost].map(text)
  })
  await page.getByText('As a table').click()
  const cells = page.getByRole('region', { name: /^Hours lost/ }).locator('tbody tr')
  await expect(cells).toHaveCount(24)
  const shown = await cells.evaluateAll((trs) =>
    trs.map((tr) => [...tr.querySelectorAll('td')].map((td) => td.textContent)),
  )
  expect(shown).toEqual(expected)
}

/** The witness's own records: all bodies that ever started, beside what the page makes of them. */
async function expectStartsOnRecord(page: Page): Promise<void> {
  const batches = (await startsOnRecord(page)).map(({ batch }) => batch)
  expect(new Set(batches).size).toBe(BATCHES)
  // Each once, the one that was to fail once more, and the repeated ones.
  expect(batches).toHaveLength(BATCHES + 1 + (await figure(page, 'repeated')))
}

/** In the order in which they were written. */
function startsOnRecord(page: Page): Promise<{ batch: number; attempt: number }[]> {
  return page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const request = indexedDB.open('stepwell-demo-witness')
        request.onerror = () => reject(request.error)
        request.onsuccess = () => {
          const all = request.result.transaction('starts').objectStore('starts').getAll()
          all.onsuccess = () => resolve(all.result)
        }
      }),
  )
}

test('a tab that follows does what the leading one does', async ({ sharedContext }) => {
  const leader = await sharedContext.newPage()
  await open(leader)
  await expect(leader.getByTestId('role')).toHaveText('This tab leads')
  await expect(leader).toHaveTitle(/^● /)
  const follower = await sharedContext.newPage()
  await follower.goto(server.origin)
  await expect(follower.getByTestId('engine-status')).toContainText('follower')
  await expect(follower).toHaveTitle(/^○ /)
  await expect(follower.getByTestId('quota')).toHaveText(/^\d.*B of \d.*B$/)

  await button(follower, 'Start').click()
  await commits(follower, 3)
  await commits(leader, 3)
  await button(follower, 'Cancel').click()
  await expect(status(follower)).toContainText('cancelled')
  await expect(status(leader)).toContainText('cancelled')
  await button(follower, 'Retry').click()
  await goesOn(leader)
  const cities = {
    name: 'cities.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from('city,height\nAddis Ababa,2300\nLa Paz,3700\n'),
  }
  await giveFiles(follower.getByLabel('Drop a CSV file here, or choose one'), cities)
  await expect(follower.getByText('cities.csv: 2 rows, 2 columns')).toBeVisible()
  // Its engine is elsewhere.
  await expect(button(follower, 'Crash the engine')).toBeDisabled()

  await follower.getByRole('link', { name: 'All runs' }).click()
  await expect(follower.getByRole('table').locator('tbody tr')).toHaveCount(2)
  await button(leader, 'Cancel').click()
  await expect(follower.getByRole('table').getByText('cancelled')).toBeVisible()
  await leader.close()
  await follower.close()
})

test('the browser is asked to keep the data', async ({ sharedContext }) => {
  const page = await sharedContext.newPage()
  await open(page)
  await expect(page.getByTestId('storage')).toHaveText('best-effort')
  const session = await page.context().newCDPSession(page)
  const permission = { name: 'persistent-storage' }
  const decide = (setting: 'granted' | 'denied') =>
    session.send('Browser.setPermission', { origin: server.origin, permission, setting })
  await decide('denied')
  await button(page, 'Ask to keep it').click()
  await expect(page.getByText('The browser declined for now.')).toBeVisible()
  await decide('granted')
  await button(page, 'Ask to keep it').click()
  await expect(page.getByText('The browser will keep it.')).toBeVisible()
  await expect(page.getByTestId('storage')).toHaveText('persistent')
  await expect(page.getByTestId('engine-status')).toContainText('persistent')
  await session.send('Browser.resetPermissions')
  await page.close()
})

test('the whole browser is killed, and the run goes on', async ({ profile }) => {
  const first = await startRawBrowser(profile)
  try {
    const page = await first.context.newPage()
    await open(page)
    await button(page, 'Start').click()
    await commits(page, 10)
  } finally {
    await first.kill()
  }
  const second = await startRawBrowser(profile)
  try {
    const page = await second.context.newPage()
    await open(page)
    await commits(page, 20)
    await expectNothingRepeated(page, 1)
    await expect(page.getByTestId('recovery-note')).toContainText('Killed without a button')
  } finally {
    await second.kill()
  }
})

test('cancel keeps what is committed, and retry goes on after it', async ({ sharedContext }) => {
  const page = await sharedContext.newPage()
  await open(page)
  await button(page, 'Start').click()
  await commits(page, 3)
  await button(page, 'Cancel').click()
  await expect(status(page)).toContainText('cancelled')
  const kept = await figure(page, 'committed')
  await button(page, 'Retry').click()
  await commits(page, kept + 3)
  await expectNothingRepeated(page, 0)
  await button(page, 'Cancel').click()
  await expect(status(page)).toContainText('cancelled')
  // The body in flight at the cancel may have begun again, as the first one of the retry, and no other.
  const starts = await startsOnRecord(page)
  const first = starts.filter(({ attempt }) => attempt === 1).map(({ batch }) => batch)
  const again = starts.filter(({ attempt }) => attempt === 2).map(({ batch }) => batch)
  const begunTwice = again.filter((batch) => first.includes(batch))
  expect([[], [kept]]).toContainEqual(begunTwice)
  expect(again[0]).toBe(kept)
  for (const batches of [first, again]) expect(new Set(batches).size).toBe(batches.length)
  await page.close()
})

test('a start that is told after it was read is counted once', async ({ sharedContext }) => {
  const page = await sharedContext.newPage()
  const other = await sharedContext.newPage()
  await page.route('**/busy', async (route) => {
    await expect.poll(async () => (await startsOnRecord(other)).length).toBeGreaterThanOrEqual(3)
    await route.fulfill()
  })
  await page.addInitScript(() => {
    // The page is busy just before it reads the starts, until there are some, and hears of them when the test says so.
    const transaction = IDBDatabase.prototype.transaction
    IDBDatabase.prototype.transaction = function (...args) {
      if (String(args[0]) === 'starts') {
        const request = new XMLHttpRequest()
        request.open('GET', '/busy', false)
        request.send()
      }
      return transaction.apply(this, args)
    }
    const set = Object.getOwnPropertyDescriptor(BroadcastChannel.prototype, 'onmessage')?.set
    Object.defineProperty(BroadcastChannel.prototype, 'onmessage', {
      set(listener: (event: MessageEvent) => void) {
        set?.call(this, (event: MessageEvent) => {
          if (this.name !== 'stepwell-demo-witness') listener(event)
          else addEventListener('told', () => listener(event), { once: true })
        })
      },
    })
  })
  await open(page)
  await other.goto(`${server.origin}/nothing`)
  await button(page, 'Start').click()
  await commits(page, 8)
  await page.evaluate(() => dispatchEvent(new Event('told')))
  await goesOn(page)
  await expectNothingRepeated(page, 0)
  await button(page, 'Cancel').click()
  await other.close()
  await page.close()
})

test('the third crash in a minute is told in words, and a reload goes on', async ({
  sharedContext,
}) => {
  const page = await sharedContext.newPage()
  await open(page)
  await button(page, 'Start').click()
  await commits(page, 2)
  await button(page, 'Crash the engine').click()
  await goesOn(page)
  await button(page, 'Crash the engine').click()
  await goesOn(page)
  await button(page, 'Crash the engine').click()
  await expect(page.getByText('The engine crashed 3 times within 60 s')).toBeVisible()
  await button(page, 'Reload').click()
  await expect(status(page)).toContainText('running')
  await goesOn(page)
  await expectNothingRepeated(page, 3)
  await button(page, 'Cancel').click()
  await page.close()
})

test('a CSV file that is dropped on the page is imported', async ({ sharedContext }) => {
  const page = await sharedContext.newPage()
  await open(page)
  const dropped = await page.evaluateHandle(() => {
    const transfer = new DataTransfer()
    transfer.items.add(new File(['city,height\nAddis Ababa,2300\nLa Paz,3700\n'], 'cities.csv'))
    return transfer
  })
  await expect(page.getByLabel('Drop a CSV file here, or choose one')).toBeEnabled()
  await page.locator('.drop').dispatchEvent('drop', { dataTransfer: dropped })
  await expect(page.getByText('cities.csv: 2 rows, 2 columns')).toBeVisible()
  await expect(page.getByRole('row', { name: /^height 2 3,?000/ })).toBeVisible()
  await page.close()
})

test('a CSV file is imported, also one that is far larger than a payload may be; twice the same is one run', async ({
  sharedContext,
}) => {
  test.setTimeout(60_000)
  const page = await sharedContext.newPage()
  await open(page)
  const file = page.getByLabel('Drop a CSV file here, or choose one')
  await giveFiles(file, path.join(DATA, 'airports.csv'))
  await expect(page.getByText('airports.csv: 3,376 rows, 7 columns')).toBeVisible()
  await expect(page.getByRole('row', { name: /^latitude 3,376 40\.04/ })).toBeVisible()
  const buffer = Buffer.from(`text,number\n${`${'x'.repeat(100_000)},2\n`.repeat(100)}`)
  expect(buffer.byteLength).toBeGreaterThan(2 * PAYLOAD_BYTES_MAX)
  await giveFiles(file, { name: 'large.csv', mimeType: 'text/csv', buffer })
  await expect(page.getByText('large.csv: 100 rows, 2 columns')).toBeVisible()
  await giveFiles(file, path.join(DATA, 'airports.csv'))
  await expect(page.getByText('The same file was given before')).toBeVisible()
  await expect(page.getByText('airports.csv: 3,376 rows, 7 columns')).toBeVisible()
  await page.getByRole('link', { name: 'All runs' }).click()
  await expect(page.getByRole('table').locator('tbody tr')).toHaveCount(2)
  await page.close()
})

test('an empty CSV file fails its run, in words', async ({ sharedContext }) => {
  const page = await sharedContext.newPage()
  await open(page)
  const empty = { name: 'empty.csv', mimeType: 'text/csv', buffer: Buffer.from('\n') }
  await giveFiles(page.getByLabel('Drop a CSV file here, or choose one'), empty)
  await expect(page.getByText('The file is empty: it has not even a row of names.')).toBeVisible()
  await page.close()
})
