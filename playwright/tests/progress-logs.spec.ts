// ACCEPTANCE D1–D3.
import { expect, test } from '../support/fixtures.js'
import { ended, expectNothingUnhandled, runOf } from '../support/page.js'

test('progress is delivered while the run goes on, stored, and kept after the end', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await page.evaluate(
    async (key) =>
      (await window.stepwell.trigger('progressing', { key, times: 1000, gated: true })).id,
    key,
  )
  await server.gate(key).reached()
  await expect
    .poll(() => runOf(page, id))
    .toMatchObject({
      status: 'running',
      progress: { current: 1000, total: 1000, message: 'in 1000' },
    })
  server.gate(key).open()
  await ended(page, id)
  expect(await runOf(page, id)).toMatchObject({
    status: 'completed',
    progress: { current: 1000, total: 1000, message: 'out 1000' },
  })
  const told = await page.evaluate(
    () => window.events.filter(({ type }) => type === 'run:progress').length,
  )
  expect(told).toBeGreaterThanOrEqual(2)
  expect(told).toBeLessThan(50)
  await expectNothingUnhandled(page)
})

test('log lines keep level, data, step and order, and are there after the end', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('logging', { key, lines: 0 })).id,
    key,
  )
  await ended(page, id)
  const { logs, nextCursor } = await page.evaluate((id) => window.stepwell.getLogs(id), id)
  expect(nextCursor).toBeNull()
  expect(
    logs.map(({ level, message, data, stepName }) => [level, message, data, stepName]),
  ).toEqual([
    ['info', 'before', { key }, null],
    ['debug', 'd', undefined, 'speak'],
    ['info', 'i', { nested: [1, null] }, 'speak'],
    ['warn', 'w', undefined, 'speak'],
    ['error', 'e', undefined, 'speak'],
    ['warn', 'after', undefined, null],
  ])
  for (const { runId, attempt } of logs)
    expect({ runId, attempt }).toEqual({ runId: id, attempt: 1 })
})

test('a line whose step was committed is never lost, however many there are', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('logging', { key, lines: 3000 })).id,
    key,
  )
  await ended(page, id)
  const lines = await page.evaluate(async (id) => {
    const found: string[] = []
    let cursor: number | null = null
    do {
      const from: number | null = cursor
      const page = await window.stepwell.getLogs(id, {
        limit: 700,
        ...(from === null ? {} : { cursor: from }),
      })
      found.push(...page.logs.map(({ message }) => message))
      cursor = page.nextCursor
    } while (cursor !== null)
    return found.filter((message) => message.startsWith('line '))
  }, id)
  expect(lines).toEqual(Array.from({ length: 3000 }, (_, i) => `line ${i}`))
})

test('getLogs pages backward and filters by level', async ({ openPage, key }) => {
  const page = await openPage()
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('logging', { key, lines: 0 })).id,
    key,
  )
  await ended(page, id)
  const messages = await page.evaluate(async (id) => {
    const first = await window.stepwell.getLogs(id, { order: 'desc', limit: 4 })
    const second = await window.stepwell.getLogs(id, {
      order: 'desc',
      cursor: first.nextCursor ?? 0,
    })
    const warnings = await window.stepwell.getLogs(id, { level: 'warn' })
    return [first, second, warnings].map(({ logs }) => logs.map(({ message }) => message))
  }, id)
  expect(messages).toEqual([
    ['after', 'e', 'w', 'i'],
    ['d', 'before'],
    ['w', 'e', 'after'],
  ])
  const unknown = await page.evaluate(() =>
    window.outcome(window.stepwell.getLogs('01900000-0000-7000-8000-000000000000')),
  )
  expect(unknown).toMatchObject({ ok: false, code: 'not_found' })
})
