// ACCEPTANCE D1, D2: progress and log lines where something ends, or dies, around them.
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { ended, expectNothingUnhandled, runOf, sawEvent } from '../support/page.js'

const triggerLingering = (page: Page, key: string) =>
  page.evaluate(async (key) => (await window.stepwell.trigger('lingering', { key })).id, key)
const messagesOf = (page: Page, id: string) =>
  page.evaluate(async (id) => {
    const { logs } = await window.stepwell.getLogs(id, { limit: 10_000 })
    return logs.map(({ message }) => message)
  }, id)

for (const how of ['completed', 'cancelled'] as const) {
  test(`progress and lines after the run is ${how} change nothing and are no unhandled rejection`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage({ executor: 'page' })
    const id = await triggerLingering(page, key)
    await server.gate(key).reached()
    if (how === 'cancelled') {
      await page.evaluate((id) => window.stepwell.cancel(id), id)
      await server.witness.reached(`${key}/aborted`)
    }
    server.gate(key).open()
    const before = await ended(page, id)
    expect(before.status).toBe(how)
    server.gate(`${key}-late`).open()
    await server.witness.reached(`${key}/returned/undefined,undefined,undefined,undefined`)
    // Whatever the late calls would have sent is answered by now.
    await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
    expect(await runOf(page, id)).toEqual(before)
    expect(await messagesOf(page, id)).toEqual([])
    await expectNothingUnhandled(page)
  })
}

test('progress and lines while there is no engine are stored once it is back, and raise nothing', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ executor: 'page' })
  const id = await triggerLingering(page, key)
  await server.gate(key).reached()
  await page.evaluate(() => window.crash('terminate'))
  server.gate(`${key}-late`).open()
  await server.witness.reached(`${key}/returned/undefined,undefined,undefined,undefined`)
  await expect
    .poll(() => runOf(page, id))
    .toMatchObject({
      status: 'running',
      progress: { current: 2, total: 2, message: 'late' },
    })
  server.gate(key).open()
  expect(await ended(page, id)).toMatchObject({ status: 'completed' })
  expect(await messagesOf(page, id)).toEqual(['late', 'late'])
  expect(server.witness.count(`${key}/wait`)).toBe(1)
  await expectNothingUnhandled(page)
})

for (const what of ['executor', 'engine', 'page'] as const) {
  test(`the lines of a committed step are all there, once and in order, when the ${what} dies after it`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage()
    const id = await page.evaluate(
      async (key) => (await window.stepwell.trigger('chatty', { key, lines: 500 })).id,
      key,
    )
    await server.gate(key).reached()
    if (what === 'executor') await page.evaluate(() => window.killExecutor())
    if (what === 'engine') await page.evaluate(() => window.crash('panic'))
    if (what === 'page') await page.reload()
    server.gate(key).open()
    await ended(page, id)
    const lines = (name: string) => Array.from({ length: 500 }, (_, i) => `${name} ${i}`)
    expect(await messagesOf(page, id)).toEqual([...lines('one'), ...lines('two')])
    expect(server.witness.count(`${key}/one`)).toBe(1)
  })
}

test('the lines of a failed step and of a cancelled run are kept', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const failed = await page.evaluate(async (key) => {
    const { id } = await window.stepwell.trigger('flaky', { key, failures: 9 })
    await window.stepwell.waitForRun(id)
    return id
  }, key)
  expect(await messagesOf(page, failed)).toEqual(['attempt 1'])
  const cancelled = await page.evaluate(
    async (key) => (await window.stepwell.trigger('chatty', { key, lines: 3 })).id,
    key,
  )
  await server.gate(key).reached()
  await page.evaluate((id) => window.stepwell.cancel(id), cancelled)
  await sawEvent(page, cancelled, 'run:cancel')
  expect(await messagesOf(page, cancelled)).toEqual(['one 0', 'one 1', 'one 2'])
  server.gate(key).open()
})
