// A full disk: nothing acknowledged is lost, the pause is told, and work goes on by itself when there is room.
import type { CDPSession, Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { ended, expectNothingUnhandled, ready } from '../support/page.js'
import { trigger } from '../support/runs.js'
import { exported, sqlite3 } from '../support/transfers.js'

const MEGABYTE = 1_000_000

/** Sets what the origin may have, or `null`: what the browser thinks. Until the page is closed. */
async function quotaOf(page: Page): Promise<(bytes: number | null) => Promise<void>> {
  const session: CDPSession = await page.context().newCDPSession(page)
  const { origin } = new URL(page.url())
  return async (bytes) => {
    await session.send('Storage.overrideQuotaForOrigin', {
      origin,
      ...(bytes === null ? {} : { quotaSize: bytes }),
    })
    // In a new profile it is asked before anything else is, and answers once it has its own files.
    const { overrideActive } = await session.send('Storage.getUsageAndQuota', { origin })
    expect(overrideActive).toBe(bytes !== null)
  }
}

/** Triggers runs with half a megabyte of input each until one is refused; the ids of those that were not. */
function fill(page: Page) {
  return page.evaluate(async () => {
    const ids: string[] = []
    for (;;) {
      const filler = Array.from({ length: 500_000 }, () => Math.random().toString(36)[2]).join('')
      const outcome = await window.outcome(window.start('quick', { count: 1, filler }, {}))
      if (!outcome.ok) return { ids, code: outcome.code, message: outcome.message }
      ids.push(outcome.value)
    }
  })
}

test('a full disk pauses the engine; what was acknowledged is there, and all of it goes on when there is room', async ({
  openPage,
  launchBrowser,
  profile,
  key,
  server,
}) => {
  const page = await openPage({
    context: await launchBrowser(profile),
    page: 'react.html',
    query: { 'storage-panel': '1' },
  })
  await ready(page)
  const setQuota = await quotaOf(page)
  const atWork = await trigger(page, 'bulky', { key, size: MEGABYTE })
  await server.gate(key).reached()
  await setQuota(8 * MEGABYTE)

  const { ids, code, message } = await fill(page)
  expect(ids.length).toBeGreaterThan(0)
  expect({ code, message }).toMatchObject({
    code: 'storage_full',
    message: expect.stringMatching(/[Ff]ree.*space/),
  })
  // The step's result does not fit either: it is kept, and tried again.
  server.gate(key).open()
  await expect(page.getByTestId('storage')).toContainText('paused: storage_full')
  await page.waitForFunction(() => window.stepwell.status.paused?.code === 'storage_full')
  expect(await page.evaluate(() => window.stepwell.status.state)).toBe('ready')
  expect(server.witness.count(`${key}/small`)).toBe(0)

  await setQuota(null)
  expect(await ended(page, atWork)).toMatchObject({ status: 'completed', output: MEGABYTE })
  for (const id of ids) expect(await ended(page, id)).toMatchObject({ status: 'completed' })
  await expect(page.getByTestId('storage')).not.toContainText('paused')
  expect(server.witness.counts(`${key}/`)).toEqual({ [`${key}/large`]: 1, [`${key}/small`]: 1 })
  await page.waitForFunction(() => window.stepwell.status.paused === null)
  const file = await exported(page)
  expect(sqlite3(file, 'PRAGMA integrity_check')).toBe('ok')
  expect(sqlite3(file, 'SELECT count(*) FROM stepwell_runs')).toBe(String(ids.length + 1))
  await page.reload()
  await ready(page)
  for (const id of ids) {
    const run = await page.evaluate((id) => window.stepwell.getRun(id), id)
    expect(run).toMatchObject({ status: 'completed' })
  }
  await expectNothingUnhandled(page)
})

test('a database that cannot even be made for want of room: told, and made when there is some', async ({
  openPage,
  launchBrowser,
  profile,
}) => {
  const context = await launchBrowser(profile)
  const first = await context.newPage()
  const page = await openPage({ context })
  await first.goto(new URL('/plain', page.url()).href)
  const setQuota = await quotaOf(first)
  await setQuota(1)
  const outcome = await page.evaluate(() => window.outcome(window.stepwell.getRuns()))
  expect(outcome).toMatchObject({ ok: false, code: 'storage_full' })
  const status = await page.evaluate(() => ({
    state: window.stepwell.status.state,
    storage: window.stepwell.status.storage,
    code: window.stepwell.status.error?.code,
  }))
  expect(status).toEqual({ state: 'unavailable', storage: 'unavailable', code: 'storage_full' })
  await setQuota(null)
  // By itself.
  await page.waitForFunction(() => window.stepwell.status.state === 'ready')
  expect(await page.evaluate(() => window.stepwell.getRuns())).toMatchObject({ runs: [] })
})
