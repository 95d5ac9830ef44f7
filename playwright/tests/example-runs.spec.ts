// The run table and the run page of examples/vite-react as a visitor uses them: by clicks.
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

/** Hours with so few flights that a report on them fails: 03:00 and 04:00. */
const FAILING = 2

let folder: string
let server: TestServer

test.describe.configure({ mode: 'default', timeout: 60_000 })

test.beforeAll(async () => {
  test.setTimeout(60_000)
  folder = mkdtempSync(path.join(tmpdir(), 'stepwell-example-runs-'))
  buildExample(folder)
})
test.afterAll(() => rmSync(folder, { recursive: true, force: true }))

// A server each: a port of its own is an origin and so a database of its own.
test.beforeEach(async () => {
  server = await startServer({ root: folder })
})
test.afterEach(() => server.close())

async function open(page: Page, hash = '#/runs'): Promise<void> {
  await page.goto(`${server.origin}/${hash}`)
  await isLeader(page)
}

const view = (page: Page, name: 'Story' | 'Runs') =>
  page.getByRole('navigation').getByRole('link', { name })
const rows = (page: Page) => page.getByRole('table').locator('tbody tr')
const newest = (page: Page) => rows(page).first()
const runLink = (page: Page) => newest(page).getByRole('rowheader').getByRole('link').first()
const addresses = (page: Page) =>
  rows(page)
    .locator('.run-name > a')
    .evaluateAll((links) => links.map((link) => link.getAttribute('href')))
const card = (page: Page, name: string) => page.getByRole('region', { name })
const fact = (page: Page, name: string) =>
  page.locator('.facts > div').filter({ has: page.getByText(name, { exact: true }) })

/** Or more: a list that was left a moment ago still has the pages that it had. */
const isFirstPage = (page: Page) => expect(rows(page).nth(19)).toBeVisible()

/** Starts the batch and waits until nothing of it is at work any more. */
async function batchIsDone(page: Page): Promise<void> {
  await button(page, 'Start 24 runs').click()
  await expect(page.getByText('24 runs are in the database.')).toBeVisible()
  await button(page, 'Load more').click()
  await expect(rows(page)).toHaveCount(24)
  await expect(rows(page).filter({ hasText: 'completed' })).toHaveCount(24 - FAILING, {
    timeout: 20_000,
  })
  await expect(rows(page).filter({ hasText: 'failed' })).toHaveCount(FAILING)
}

test('a batch fills the table, filters narrow it, and the address keeps them', async ({
  sharedContext,
}) => {
  const page = await sharedContext.newPage()
  await open(page)
  await expect(page.getByText('Nothing was started in this browser yet.')).toBeVisible()
  await batchIsDone(page)
  await expect(button(page, 'Load more')).toBeHidden()

  await page.getByLabel('Status').selectOption('failed')
  await expect(rows(page)).toHaveCount(FAILING)
  await expect(newest(page)).toContainText('Only 11 flights leave at 4:00')
  await page.getByLabel('Status').selectOption('any')
  await isFirstPage(page)

  // A label leads to the runs that have it, beside what is filtered already.
  await page.getByLabel('Job').selectOption('hour-report')
  await newest(page).getByRole('link', { name: 'daypart: evening' }).click()
  await expect(rows(page)).toHaveCount(6)
  await expect(page.getByLabel('Part of day')).toHaveValue('evening')
  await page.reload()
  await expect(rows(page)).toHaveCount(6)
  await expect(page.getByLabel('Job')).toHaveValue('hour-report')
  await page.getByLabel('Source').selectOption('csv')
  await expect(page.getByText('No run is like that.')).toBeVisible()
  await page.goBack()
  await expect(rows(page)).toHaveCount(6)
  await page.getByRole('link', { name: 'Show all' }).click()
  await isFirstPage(page)
  await page.close()
})

test('a run that is started in the story is on top, and the table follows it', async ({
  sharedContext,
}) => {
  const page = await sharedContext.newPage()
  await open(page)
  await button(page, 'Start 24 runs').click()
  await expect(rows(page).filter({ hasText: 'running' })).not.toHaveCount(0)
  // It does not wait for the batch: it has a higher priority.
  await view(page, 'Story').click()
  await button(page, 'Start').click()
  await expect(status(page)).toContainText('running')
  await view(page, 'Runs').click()
  await expect(newest(page)).toContainText('flights')
  await expect(newest(page)).toContainText('running')
  await expect(newest(page)).toContainText('source: button')
  const progress = newest(page).getByText(/^\d+ of 400$/)
  const before = (await progress.textContent()) ?? ''
  await expect(progress).not.toHaveText(before)
  await expect(rows(page).filter({ hasText: 'completed' }).nth(5)).toBeVisible()
  await expect(newest(page).getByRole('button', { name: /^Delete/ })).toBeDisabled()
  await expect(newest(page).getByRole('button', { name: /^Retrigger/ })).toBeDisabled()
  await picture(page, 'runs-light', 1280, 'light')
  await picture(page, 'runs-phone', 390, 'dark')

  // What leaves the filter leaves the table.
  await page.getByLabel('Job').selectOption('flights')
  await page.getByLabel('Status').selectOption('running')
  await expect(rows(page)).toHaveCount(1)
  await runLink(page).click()
  await expect(status(page)).toContainText('running')
  await expect(fact(page, 'Concurrency key')).toContainText('flights')
  await button(page, 'Cancel').click()
  await expect(status(page)).toContainText('cancelled')
  await page.goBack()
  await expect(page.getByText('No run is like that.')).toBeVisible()
  await page.close()
})

test('a run’s page has its steps, their outputs, its log by level, and its attempts', async ({
  sharedContext,
}) => {
  const page = await sharedContext.newPage()
  await open(page)
  await batchIsDone(page)
  // By keyboard: the next Tab is in the new view.
  await runLink(page).press('Enter')
  await expect(page.getByRole('main')).toBeFocused()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(/^Run [0-9a-f]{6}$/)
  await expect(status(page)).toContainText('completed')
  await expect(card(page, 'Input').first()).toContainText('"hour": 23')
  await expect(card(page, 'Output').first()).toContainText('"advice": "Take a book along."')
  await expect(fact(page, 'Total')).toContainText(/\d s$/)
  await expect(rows(page)).toHaveCount(3)
  await button(page, 'spread').click()
  await expect(card(page, 'Output of spread')).toContainText('"median": 9')

  const log = card(page, 'Log')
  await expect(log.getByRole('listitem')).toHaveText([
    /count.*debug data set in memory {"rows":200000}/,
    /count.*1854 flights/,
    /advise.*warn a bad hour to fly/,
  ])
  await page.getByLabel('Show').selectOption('warnings and errors')
  await expect(log.getByRole('listitem')).toHaveText([/warn a bad hour to fly/])
  await page.getByLabel('Show').selectOption('errors')
  await expect(log).toContainText('There is no such line.')

  await page.goto(`${server.origin}/#/runs?status=failed`)
  await runLink(page).click()
  await expect(page.getByText('In step spread, attempt 1')).toBeVisible()
  await page.getByLabel('Show').selectOption('errors')
  await expect(log.getByRole('listitem')).toHaveCount(1)
  await button(page, 'Retry').click()
  await expect(page.getByText('In step spread, attempt 2')).toBeVisible()
  await expect(log.getByRole('listitem')).toHaveCount(2)
  await expect(fact(page, 'Attempt')).toContainText('2')
  await expect(rows(page).nth(0)).toContainText(/count.*completed.*1/)
  await expect(rows(page).nth(1)).toContainText(/spread.*failed.*2/)
  await button(page, 'spread').click()
  await picture(page, 'run-dark', 1280, 'dark')
  await page.close()
})

test('a long run shows its newest steps and lines, and the earlier ones when asked', async ({
  sharedContext,
}) => {
  const page = await sharedContext.newPage()
  await open(page, '#/')
  await page.getByLabel('Slow motion').uncheck()
  await button(page, 'Start').click()
  await expect(status(page)).toContainText('completed', { timeout: 40_000 })
  await view(page, 'Runs').click()
  await runLink(page).click()
  await expect(rows(page)).toHaveCount(12)
  await expect(rows(page).last()).toContainText('batch-399')
  await button(page, 'Show 388 earlier ones').click()
  await expect(rows(page)).toHaveCount(400)
  await expect(rows(page).first()).toContainText('batch-0')
  const lines = card(page, 'Log').getByRole('listitem')
  await expect(lines.last()).toHaveAttribute('aria-setsize', '200')
  await button(page, 'Load older lines').click()
  await expect(lines.last()).toHaveAttribute('aria-setsize', '400')
  await expect(button(page, 'Load older lines')).toBeHidden()
  await page.close()
})

test('retrigger makes a second row; a deleted run leaves the table, and its page says so', async ({
  sharedContext,
}) => {
  const page = await sharedContext.newPage()
  await open(page)
  await batchIsDone(page)
  await page.getByLabel('Status').selectOption('failed')
  await expect(rows(page)).toHaveCount(FAILING)
  await newest(page)
    .getByRole('button', { name: /^Retrigger/ })
    .click()
  await expect(page.getByText(/^Run [0-9a-f]{6} does again what [0-9a-f]{6} did\.$/)).toBeVisible()
  await expect(rows(page)).toHaveCount(FAILING + 1)
  await expect(rows(page).filter({ hasText: 'leave at 4:00' })).toHaveCount(2)

  const address = await runLink(page).getAttribute('href')
  const name = (await newest(page).locator('.run-id').textContent()) ?? ''
  await newest(page)
    .getByRole('button', { name: `Delete ${name}` })
    .click()
  await expect(page.getByText(`Run ${name} is deleted, with its steps and log.`)).toBeVisible()
  await expect(rows(page)).toHaveCount(FAILING)
  await expect(page.getByText(name, { exact: true })).toBeHidden()
  await page.goto(`${server.origin}/${address}`)
  await expect(page.getByRole('heading', { name: 'This run is missing' })).toBeVisible()

  // Deleted while its page is shown, from that page.
  await page.getByRole('link', { name: 'Back to all runs' }).click()
  const second = (await newest(page).locator('.run-id').textContent()) ?? ''
  await runLink(page).click()
  await button(page, 'Delete').click()
  await expect(page.getByRole('heading', { name: 'This run is missing' })).toBeVisible()
  await page.getByRole('link', { name: 'Back to all runs' }).click()
  await isFirstPage(page)
  await expect(page.getByText(second, { exact: true })).toBeHidden()
  await page.close()
})

test('runs that ended long enough ago are purged, and active ones stay', async ({
  sharedContext,
}) => {
  const page = await sharedContext.newPage()
  await open(page)
  await batchIsDone(page)
  await button(card(page, 'Clean up'), 'Delete').press('Enter')
  await expect(card(page, 'Clean up')).toContainText('There was none.')
  await expect(button(card(page, 'Clean up'), 'Delete')).toBeFocused()
  await view(page, 'Story').click()
  await button(page, 'Start').click()
  await expect(status(page)).toContainText('running')
  await view(page, 'Runs').click()
  await page.getByLabel('Ended').selectOption('just now, too')
  await button(card(page, 'Clean up'), 'Delete').click()
  await expect(card(page, 'Clean up')).toContainText('24 runs deleted.')
  await expect(rows(page)).toHaveCount(1)
  await expect(newest(page)).toContainText('running')
  await page.close()
})

test('an export holds every run, and an import brings them to another profile, where they go on', async ({
  sharedContext,
  profile,
  launchBrowser,
}) => {
  const page = await sharedContext.newPage()
  await open(page, '#/')
  const csv = path.join(EXAMPLE, 'node_modules/vega-datasets/data/airports.csv')
  await giveFiles(page.getByLabel('Drop a CSV file here, or choose one'), csv)
  await expect(page.getByText('airports.csv: 3,376 rows')).toBeVisible()
  await button(page, 'Start').click()
  await expect(page.getByTestId('committed')).toHaveText(/^[1-9]\d$/)
  await view(page, 'Runs').click()
  await expect(rows(page)).toHaveCount(2)
  const exported = await addresses(page)
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    button(page, 'Export').click(),
  ])
  const file = path.join(profile, download.suggestedFilename())
  await download.saveAs(file)
  await expect(card(page, 'Take it along')).toContainText('stepwell-flights.sqlite3, ')
  expect(readFileSync(file, 'latin1').slice(0, 15)).toBe('SQLite format 3')
  await page.close()

  const elsewhere = await launchBrowser(path.join(profile, 'elsewhere'))
  const other = await elsewhere.newPage()
  await open(other)
  await button(other, 'Start 24 runs').click()
  await expect(rows(other)).toHaveCount(20)
  const choose = other.getByLabel('Import…')
  const wrong = { name: 'notes.sqlite3', mimeType: 'text/plain', buffer: Buffer.from('My notes.') }
  await giveFiles(choose, wrong)
  await button(other, 'Replace').click()
  await expect(card(other, 'Take it along').getByRole('alert')).toContainText(
    '“notes.sqlite3” is no export of Stepwell, or is damaged. Nothing changed.',
  )
  await expect(rows(other)).toHaveCount(20)
  await giveFiles(choose, file)
  await expect(button(other, 'Keep what is here')).toBeFocused()
  await other.keyboard.press('Escape')
  await expect(other.getByRole('dialog')).toBeHidden()
  await expect(rows(other)).toHaveCount(20)
  await giveFiles(choose, file)
  await button(other, 'Replace').click()
  await expect(card(other, 'Take it along')).toContainText('The runs of “stepwell-flights.sqlite3”')
  await expect(rows(other)).toHaveCount(2)
  expect(await addresses(other)).toEqual(exported)
  await other.getByLabel('Job').selectOption('import-csv')
  await expect(rows(other)).toHaveCount(1)
  await runLink(other).click()
  await expect(status(other)).toContainText('completed')
  await expect(card(other, 'Input').first()).toContainText('File “airports.csv”, 210 kB')
  // The file itself came along: the job can read it.
  await button(other, 'Retrigger').click()
  await expect(fact(other, 'Idempotency key')).toBeHidden()
  await expect(status(other)).toContainText('completed')
  await expect(card(other, 'Output').first()).toContainText('"rows": 3376')
  // It was at work when it was exported, and is at work here.
  await view(other, 'Runs').click()
  await other.getByLabel('Job').selectOption('flights')
  await expect(rows(other)).toHaveCount(1)
  const progress = newest(other).getByText(/^\d+ of 400$/)
  const before = (await progress.textContent()) ?? ''
  await expect(progress).not.toHaveText(before)
  await other.close()
})
