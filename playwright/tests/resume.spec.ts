// ACCEPTANCE B1 (started_at), B8, J1: reload, renderer crash, a closed tab.
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { ended, expectNothingUnhandled, ready, runOf, triggerSteps } from '../support/page.js'

/** Crashes a page's renderer; resolves when it is gone. */
async function crashRenderer(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const crashed = new Promise((resolve) => page.once('crash', resolve))
  // It never answers: who should have, is dead.
  session.send('Page.crash').catch(() => undefined)
  await crashed
}

test('a reload in mid-run: the run goes on from the step in flight', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await triggerSteps(page, { key, count: 4, gateAt: 2 })
  await server.gate(key).reached()
  const before = await runOf(page, id)
  await page.reload()
  await ready(page)
  await server.gate(key).reached(2)
  expect(await runOf(page, id)).toMatchObject({ status: 'running', startedAt: before?.startedAt })
  server.gate(key).open()
  expect(await ended(page, id)).toMatchObject({
    status: 'completed',
    output: { values: [0, 1, 2, 3] },
    attempt: 1,
    startedAt: before?.startedAt,
  })
  expect(server.witness.counts(`${key}/`)).toEqual({
    [`${key}/s-0`]: 1,
    [`${key}/s-1`]: 1,
    [`${key}/s-2`]: 2,
    [`${key}/s-3`]: 1,
  })
  await expectNothingUnhandled(page)
})

test('a crash of the renderer in mid-run', async ({
  openPage,
  launchBrowser,
  profile,
  key,
  server,
}) => {
  const context = await launchBrowser(profile)
  const page = await openPage({ context })
  const id = await triggerSteps(page, { key, count: 3, gateAt: 1 })
  await server.gate(key).reached()
  await crashRenderer(page)
  const again = await openPage({ context })
  await ready(again)
  await server.gate(key).reached(2)
  expect(await runOf(again, id)).toMatchObject({ status: 'running', recoveries: 1 })
  server.gate(key).open()
  expect(await ended(again, id)).toMatchObject({ status: 'completed', recoveries: 0 })
  expect(server.witness.count(`${key}/s-0`)).toBe(1)
  expect(server.witness.count(`${key}/s-1`)).toBe(2)
})

test('the tab is closed in mid-run and another is opened later', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await triggerSteps(page, { key, count: 3, gateAt: 1 })
  await server.gate(key).reached()
  await page.close()
  const again = await openPage()
  await ready(again)
  server.gate(key).open()
  expect(await ended(again, id)).toMatchObject({ status: 'completed' })
  expect(server.witness.count(`${key}/s-0`)).toBe(1)
})

test('the browser is quit and started again on the same profile', async ({
  openPage,
  launchBrowser,
  profile,
  key,
  server,
}) => {
  const context = await launchBrowser(profile)
  const page = await openPage({ context })
  const id = await triggerSteps(page, { key, count: 3, gateAt: 1 })
  await server.gate(key).reached()
  await context.close()
  const again = await openPage({ context: await launchBrowser(profile) })
  await ready(again)
  server.gate(key).open()
  expect(await ended(again, id)).toMatchObject({ status: 'completed' })
  expect(server.witness.count(`${key}/s-0`)).toBe(1)
})

test('a run that kills its host every time fails at its cap, and can be retried then', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('fatal', { key })).id,
    key,
  )
  // maxRecoveries of the job is 2: the first start and two recoveries.
  for (let life = 1; life <= 3; life++) {
    await server.gate(key).reached(life)
    expect(await runOf(page, id)).toMatchObject({ status: 'running', recoveries: life - 1 })
    await page.evaluate(() => window.killExecutor())
  }
  expect(await ended(page, id)).toMatchObject({
    status: 'failed',
    error: { code: 'limit_exceeded' },
  })
  expect(server.witness.count(`${key}/boom`)).toBe(3)
  await page.evaluate((id) => window.stepwell.retry(id), id)
  await server.gate(key).reached(4)
  server.gate(key).open()
  expect(await ended(page, id)).toMatchObject({ status: 'completed' })
})

test('a run that commits a step between ten reloads is never at its cap', async ({
  openPage,
  key,
  server,
}) => {
  test.setTimeout(60_000)
  const page = await openPage()
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('stubborn', { key, count: 11 })).id,
    key,
  )
  for (let i = 0; i < 10; i++) {
    await server.gate(`${key}-${i}`).reached()
    await page.reload()
    await ready(page)
    await server.gate(`${key}-${i}`).reached(2)
    server.gate(`${key}-${i}`).open()
  }
  server.gate(`${key}-10`).open()
  expect(await ended(page, id)).toMatchObject({ status: 'completed', output: 11 })
  for (let i = 0; i < 10; i++) expect(server.witness.count(`${key}/s-${i}`)).toBe(2)
})

test('a run that commits a step between its interruptions is never at its cap', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('stubborn', { key, count: 4 })).id,
    key,
  )
  // Its maxRecoveries is 1, and it is interrupted once in each step: not an orderly release, as a reload is.
  for (let i = 0; i < 4; i++) {
    await server.gate(`${key}-${i}`).reached()
    await page.evaluate(() => window.killExecutor())
    await server.gate(`${key}-${i}`).reached(2)
    server.gate(`${key}-${i}`).open()
  }
  expect(await ended(page, id)).toMatchObject({ status: 'completed', output: 4 })
})
