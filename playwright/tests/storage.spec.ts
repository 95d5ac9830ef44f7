// ACCEPTANCE J3: places where nothing can be stored. Each is told by a typed state, and nothing hangs.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Page } from '@playwright/test'
import { addressOf, expect, test } from '../support/fixtures.js'
import { namesBeside, replaceDatabase } from '../support/opfs.js'
import { ended, expectNothingUnhandled, ready, triggerSteps } from '../support/page.js'
import { exported, sqlite3 } from '../support/transfers.js'

/** The client says that it cannot store, and so does every command. */
async function expectUnavailable(page: Page, code: string, message: RegExp): Promise<void> {
  const outcome = await page.evaluate(() =>
    window.outcome(window.stepwell.trigger('quick', { count: 1 })),
  )
  expect(outcome).toMatchObject({ ok: false, code, message: expect.stringMatching(message) })
  await page.waitForFunction(() => window.stepwell.status.state === 'unavailable')
  const status = await page.evaluate(() => ({
    storage: window.stepwell.status.storage,
    code: window.stepwell.status.error?.code,
  }))
  expect(status).toEqual({ storage: 'unavailable', code })
  const again = await page.evaluate(() => window.outcome(window.stepwell.getRuns()))
  expect(again).toMatchObject({ ok: false, code })
  await expectNothingUnhandled(page)
}

test('an insecure context', async ({ launchBrowser, profile, server, key }) => {
  const args = ['--host-resolver-rules=MAP insecure.test 127.0.0.1']
  const context = await launchBrowser(profile, { args })
  const page = await context.newPage()
  await page.goto(addressOf(`http://insecure.test:${server.port}`, key, {}))
  expect(await page.evaluate(() => isSecureContext)).toBe(false)
  await expectUnavailable(page, 'storage_unavailable', /secure context.*https/s)
  expect(await page.evaluate(() => window.outcome(window.stepwell.persist()))).toMatchObject({
    ok: false,
    code: 'storage_unavailable',
  })
})

test('a browser without OPFS', async ({ sharedContext, address }) => {
  const page = await sharedContext.newPage()
  await page.addInitScript(() => Reflect.deleteProperty(StorageManager.prototype, 'getDirectory'))
  await page.goto(address())
  await expectUnavailable(page, 'storage_unavailable', /OPFS/)
  await page.close()
})

test('a browser without Web Locks', async ({ sharedContext, address }) => {
  const page = await sharedContext.newPage()
  await page.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, 'locks'))
  await page.goto(address())
  await expectUnavailable(page, 'storage_unavailable', /Web Locks.*current/s)
  await page.close()
})

test('a browser that gives no files, as private windows of some do', async ({ openPage }) => {
  const page = await openPage({ page: 'denied.html' })
  await expectUnavailable(page, 'storage_unavailable', /SecurityError/)
})

test('a sandboxed frame', async ({ sharedContext, address }) => {
  const page = await sharedContext.newPage()
  // A frame without an origin may load modules only where the server allows it to everybody.
  await page.route(/./, async (route) => {
    const response = await route.fetch()
    const headers = { ...response.headers(), 'access-control-allow-origin': '*' }
    await route.fulfill({ response, headers })
  })
  await page.goto(new URL('/plain', address()).href)
  // Waited for before it begins.
  const navigated = page.waitForEvent('framenavigated')
  await page.evaluate((src) => {
    const frame = document.createElement('iframe')
    frame.setAttribute('sandbox', 'allow-scripts')
    frame.src = src
    document.body.append(frame)
  }, address())
  const frame = await navigated
  await frame.waitForFunction(() => window.stepwell !== undefined)
  const outcome = await frame.evaluate(() => window.outcome(window.stepwell.getRuns()))
  expect(outcome).toMatchObject({
    ok: false,
    code: 'storage_unavailable',
    message: expect.stringMatching(/sandboxed frame/),
  })
  await frame.waitForFunction(() => window.stepwell.status.state === 'unavailable')
  expect(await frame.evaluate(() => window.stepwell.status.error?.code)).toBe('storage_unavailable')
  expect(await frame.evaluate(() => window.outcome(window.stepwell.persist()))).toMatchObject({
    ok: false,
    code: 'storage_unavailable',
  })
  await page.close()
})

test('memory storage, when asked for, works in a browser without OPFS', async ({
  sharedContext,
  address,
  key,
}) => {
  const page = await sharedContext.newPage()
  await page.addInitScript(() => Reflect.deleteProperty(StorageManager.prototype, 'getDirectory'))
  await page.goto(address({ storage: 'memory' }))
  expect(await ended(page, await triggerSteps(page, { key, count: 2 }))).toMatchObject({
    status: 'completed',
  })
  await page.close()
})

test('a database from the future is refused, and is left as it is', async ({ openPage, key }) => {
  const future = readFileSync(path.join(import.meta.dirname, '../fixtures/future.sqlite3'))
  const page = await openPage()
  await ended(page, await triggerSteps(page, { key, count: 1 }))
  const address = page.url()
  await page.goto(new URL('/plain', address).href)
  await replaceDatabase(page, key, { bytes: future })
  await page.goto(address)
  await expectUnavailable(page, 'schema_too_new', /99.*[Rr]eload/s)
  await page.reload()
  await expectUnavailable(page, 'schema_too_new', /99.*[Rr]eload/s)
  expect(await namesBeside(page, key)).toEqual(['.lock', '.opaque'])
  const version = 'SELECT max(version) FROM stepwell_schema_versions'
  expect(sqlite3(await exported(page), version)).toBe('99')
})

test('a failed opening leaves the tab able to go on once the cause is gone', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  await ended(page, await triggerSteps(page, { key, count: 1 }))
  await page.route('**/*.wasm', (route) => route.abort())
  await page.reload()
  const outcome = await page.evaluate(() => window.outcome(window.stepwell.getRuns()))
  expect(outcome).toMatchObject({ ok: false, message: expect.stringContaining('wasm') })
  await page.unroute('**/*.wasm')
  await page.reload()
  await ready(page)
  expect((await page.evaluate(() => window.stepwell.getRuns())).runs).toHaveLength(1)
})
