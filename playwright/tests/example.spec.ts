// examples/vite-react as a visitor uses it: by clicks.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Page } from '@playwright/test'
import { startServer, type TestServer } from '../server/server.mjs'
import { expect, test } from '../support/fixtures.js'

const EXAMPLE = path.resolve(import.meta.dirname, '../../examples/vite-react')

let folder: string
let server: TestServer

test.describe.configure({ mode: 'default' })

test.beforeAll(async () => {
  test.setTimeout(60_000)
  folder = mkdtempSync(path.join(tmpdir(), 'stepwell-example-'))
  const vite = path.join(EXAMPLE, 'node_modules/.bin/vite')
  execFileSync(vite, ['build', '--outDir', folder, '--emptyOutDir', '--logLevel', 'warn'], {
    cwd: EXAMPLE,
  })
})
test.afterAll(() => rmSync(folder, { recursive: true, force: true }))

// A server each: a port of its own is an origin and so a database of its own.
test.beforeEach(async () => {
  server = await startServer({ root: folder })
})
test.afterEach(() => server.close())

async function open(page: Page): Promise<void> {
  await page.goto(server.origin)
  await expect(page.getByTestId('engine-status')).toContainText('leader')
}

const button = (page: Page, name: string) => page.getByRole('button', { name })
const status = (page: Page) => page.getByRole('region', { name: /^Run/ }).getByTestId('run-status')

async function batchIsDone(page: Page, batch: number): Promise<void> {
  await expect(page.getByTitle(`batch-${batch}: completed`)).toBeVisible()
}

test('start, crash the engine, reload, and the import is done', async ({ sharedContext }) => {
  const page = await sharedContext.newPage()
  await open(page)
  await button(page, 'Start import').click()
  await batchIsDone(page, 2)
  await button(page, 'Crash the engine').click()
  await batchIsDone(page, 6)
  await button(page, 'Reload the page').click()
  await expect(status(page)).toContainText('running')
  await expect(button(page, 'Start import')).toBeDisabled()
  await expect(page.getByText('done before this page was loaded')).toBeVisible()
  await expect(status(page)).toContainText('completed', { timeout: 25_000 })
  await expect(page.getByText('All 3201 films are in.')).toBeVisible()
  await expect(page.getByRole('table')).toContainText('Drama')
  await page.close()
})

test('fail, retry, and the import is done', async ({ sharedContext }) => {
  const page = await sharedContext.newPage()
  await open(page)
  await page.getByLabel('Slow motion').uncheck()
  await page.getByLabel('Make batch 20 fail').check()
  await page.getByLabel('Group by').selectOption('decade')
  await button(page, 'Start import').click()
  await expect(status(page)).toContainText('failed')
  await expect(page.getByText('batch-20: Batch 20 failed')).toBeVisible()
  await button(page, 'Retry').click()
  await expect(status(page)).toContainText('completed')
  await expect(page.getByRole('table')).toContainText('1990s')
  await page.close()
})

test('cancel keeps what is done, and retry goes on after it', async ({ sharedContext }) => {
  const page = await sharedContext.newPage()
  await open(page)
  await button(page, 'Start import').click()
  await batchIsDone(page, 1)
  await button(page, 'Cancel').click()
  await expect(status(page)).toContainText('cancelled')
  await button(page, 'Retry').click()
  await batchIsDone(page, 4)
  await button(page, 'Cancel').click()
  await page.close()
})
