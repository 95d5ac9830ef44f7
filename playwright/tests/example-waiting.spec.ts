// The page about waiting of examples/vite-react, as a visitor uses it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Page } from '@playwright/test'
import { startServer, type TestServer } from '../server/server.mjs'
import { buildExample, button, isLeader, picture, status } from '../support/example.js'
import { expect, test } from '../support/fixtures.js'

const CHILDREN = 50

let folder: string
let server: TestServer

test.describe.configure({ mode: 'default', timeout: 90_000 })

test.beforeAll(async () => {
  test.setTimeout(60_000)
  folder = mkdtempSync(path.join(tmpdir(), 'stepwell-example-waiting-'))
  buildExample(folder)
})
test.afterAll(() => rmSync(folder, { recursive: true, force: true }))

// A server each: a port of its own is an origin and so a database of its own.
test.beforeEach(async () => {
  server = await startServer({ root: folder })
})
test.afterEach(() => server.close())

async function open(page: Page, hash = '#/waiting'): Promise<void> {
  await page.goto(`${server.origin}/${hash}`)
  await isLeader(page)
}

const stage = (page: Page, name: 'count' | 'embargo' | 'approval' | 'publish') =>
  page.getByTestId(`stage-${name}`)
const children = (page: Page) => page.getByTestId('children')
const cells = (page: Page, state: string) => page.locator(`a.cell.is-${state}`)
const countdown = (page: Page) => stage(page, 'embargo').getByRole('timer')
const card = (page: Page, name: string) => page.getByRole('region', { name })

/** Starts the job, and waits until it asks for the visitor's word. */
async function untilApproval(page: Page): Promise<void> {
  await button(page, 'Start').click()
  await expect(button(page, 'Approve')).toBeVisible({ timeout: 60_000 })
}

test('four waits: children fill in, a sleep counts down over a reload, a click approves, attempts back off', async ({
  sharedContext,
}) => {
  const page = await sharedContext.newPage()
  await open(page)
  await expect(page.getByText('Nothing is at work.')).toBeVisible()
  await button(page, 'Start').click()
  await expect(status(page)).toContainText('waiting')
  await expect(page.getByText('Waits for 50 child runs, in step count.')).toBeVisible()
  await expect(cells(page, 'completed').nth(9)).toBeVisible({ timeout: 20_000 })
  await expect(cells(page, 'running')).not.toHaveCount(0)
  expect(await cells(page, 'pending').count()).toBeGreaterThan(0)
  await picture(page, 'waiting-children', 1280, 'light')

  await expect(stage(page, 'embargo')).toContainText('now', { timeout: 30_000 })
  await expect(cells(page, 'completed')).toHaveCount(CHILDREN)
  await expect(children(page)).toHaveText('50 of 50 child runs done')
  await expect(countdown(page)).toHaveText(/^(10|\d) s$/)
  await button(page, 'Reload').click()
  await isLeader(page)
  await expect(countdown(page)).toHaveText(/^\d+ s$/)
  await expect(cells(page, 'completed')).toHaveCount(CHILDREN)
  await expect(countdown(page)).toHaveText(/^[0-7] s$/)
  await picture(page, 'waiting-phone', 390, 'light')

  await expect(button(page, 'Approve')).toBeVisible({ timeout: 30_000 })
  await expect(stage(page, 'embargo')).toContainText('done')
  await button(page, 'Approve').click()
  await expect(stage(page, 'approval')).toContainText('You approved it.')

  const attempts = stage(page, 'publish').getByRole('listitem')
  await expect(attempts).toHaveText([/attempt 1 failed/, /^attempt 2 in \d+ s$/])
  await expect(attempts).toHaveText([
    /attempt 1 failed/,
    /attempt 2 failed/,
    /^attempt 3 in \d+ s$/,
  ])
  await picture(page, 'waiting-dark', 1280, 'dark')
  await expect(status(page)).toContainText('completed', { timeout: 20_000 })
  await expect(attempts).toHaveText([/1 failed/, /2 failed/, /attempt 3 completed/])
  await expect(page.getByText('43,145 of 200,000 flights were late. Published.')).toBeVisible()

  // Later, this is what is shown: the newest that there was.
  await page.reload()
  await isLeader(page)
  await expect(status(page)).toContainText('completed')
  await expect(cells(page, 'completed')).toHaveCount(CHILDREN)
  await expect(button(page, 'Start')).toBeEnabled()
})

test('the page of the run: its children, what it waits for, and each attempt on the time line', async ({
  sharedContext,
}) => {
  const page = await sharedContext.newPage()
  await open(page)
  await untilApproval(page)
  await page.locator('#run-title').getByRole('link').click()
  await expect(page.getByText(/Waits for a signal, in step approval/)).toBeVisible()
  await expect(cells(page, 'completed')).toHaveCount(CHILDREN)
  const steps = card(page, 'Steps').getByRole('table')
  await expect(steps.getByRole('row').filter({ hasText: 'approval' })).toContainText('waiting')

  await page.goBack()
  await button(page, 'Approve').click()
  await page.goForward()
  const attempts = steps.getByRole('listitem')
  await expect(attempts).toHaveText([/1 failed/, /2 failed/, /^attempt 3 in \d+ s$/])
  await expect(page.getByText(/Attempt 3 of step publish is in \d+ s/)).toBeVisible()
  const bars = steps.locator('.step-bar')
  await expect(bars.and(page.locator('.is-failed'))).toHaveCount(2)
  await expect(bars.and(page.locator('.is-gap'))).toHaveCount(2)
  await picture(page, 'run-attempts', 1280, 'light')
  await picture(page, 'run-attempts-phone', 390, 'dark')
  await expect(status(page)).toContainText('completed', { timeout: 20_000 })
  await expect(attempts).toHaveText([/1 failed/, /2 failed/, /attempt 3 completed/])

  // A child, and back to its parent.
  await cells(page, 'completed').nth(7).click()
  await expect(page.getByText(/, child 7 of step count/)).toBeVisible()
  await expect(button(page, 'Delete')).toBeDisabled()
  await card(page, 'Labels and keys').locator('a[href^="#/runs/0"]').click()
  await expect(cells(page, 'completed')).toHaveCount(CHILDREN)
})

test('turned down nothing is published; the run table hides the children until they are asked for', async ({
  sharedContext,
}) => {
  const page = await sharedContext.newPage()
  await open(page)
  await untilApproval(page)
  await page.getByRole('link', { name: 'Runs', exact: true }).click()
  const rows = page.getByRole('table').locator('tbody tr')
  await expect(rows).toHaveCount(1)
  await expect(rows.first()).toContainText('Waits for a signal, in step approval')
  await page.getByLabel('Status').selectOption('waiting')
  await expect(rows).toHaveCount(1)
  await page.getByLabel('Status').selectOption('')
  await page.getByLabel('Children').selectOption('shown')
  await expect(rows.nth(10)).toBeVisible()

  await page.getByRole('link', { name: 'Waiting', exact: true }).click()
  await button(page, 'Turn down').click()
  await expect(status(page)).toContainText('completed')
  await expect(page.getByText(/Not published\./)).toBeVisible()
  await expect(stage(page, 'approval')).toContainText('It was turned down.')
  await expect(stage(page, 'publish')).toContainText('not needed')
})

test('a cancel cancels the children that have not ended, and retry goes on from there', async ({
  sharedContext,
}) => {
  const page = await sharedContext.newPage()
  await open(page)
  await button(page, 'Start').click()
  await expect(cells(page, 'completed').nth(4)).toBeVisible({ timeout: 20_000 })
  await button(page, 'Cancel').click()
  await expect(status(page)).toContainText('cancelled')
  await expect(children(page)).toContainText('cancelled')
  await expect(cells(page, 'cancelled')).not.toHaveCount(0)
  const done = await cells(page, 'completed').count()
  await button(page, 'Retry').click()
  await expect(cells(page, 'completed')).toHaveCount(CHILDREN, { timeout: 30_000 })
  expect(done).toBeLessThan(CHILDREN)
  await expect(stage(page, 'embargo')).toContainText('now')
})
