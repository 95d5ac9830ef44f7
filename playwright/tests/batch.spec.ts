// ACCEPTANCE A5: many triggers at once, all or none.
import { expect, test } from '../support/fixtures.js'
import { ended, ready, sawEvent, triggerSteps } from '../support/page.js'

test('a batch is one commit, with its results and its runs in order', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  await triggerSteps(page, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  const { before, after, results } = await page.evaluate(async () => {
    const items = Array.from({ length: 1000 }, (_, i) => ({
      input: { count: i % 3 },
      priority: i === 999 ? 1 : 0,
      labels: { index: `${i}` },
    }))
    const before = await window.counters()
    const results = await window.stepwell.batchTrigger('quick', items)
    return { before, after: await window.counters(), results }
  })
  expect(after.commits - before.commits).toBe(1)
  expect(results).toHaveLength(1000)
  expect(results.map(({ run }) => run.labels['index'])).toEqual(
    Array.from({ length: 1000 }, (_, i) => `${i}`),
  )
  expect(new Set(results.map(({ disposition }) => disposition))).toEqual(new Set(['created']))
  const ids = results.map(({ id }) => id)
  expect([...ids].sort()).toEqual(ids)
  await sawEvent(page, ids[999] ?? '', 'run:trigger')
  const told = await page.evaluate(() =>
    window.events.flatMap((event) =>
      event.type === 'run:trigger' && event.jobName === 'quick' ? [event.runId] : [],
    ),
  )
  expect(told).toEqual(ids)
})

test('one item that is refused by the engine refuses all: nothing is written, nothing is told', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  await triggerSteps(page, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  const outcome = await page.evaluate(async () => {
    await window.stepwell.trigger('quick', { count: 1 }, { concurrencyKey: 'taken' })
    const items = [
      { input: { count: 1 } },
      { input: { count: 2 }, concurrencyKey: 'free' },
      { input: { count: 3 }, concurrencyKey: 'taken' },
      { input: { count: 4 } },
    ]
    return window.outcome(window.stepwell.batchTrigger('quick', items))
  })
  expect(outcome).toMatchObject({
    ok: false,
    code: 'conflict',
    message: expect.stringMatching(/^items\[2\]: .*"taken"/),
  })
  const { runs } = await page.evaluate(() => window.stepwell.getRuns({ job: 'quick' }))
  expect(runs.map(({ concurrencyKey }) => concurrencyKey)).toEqual(['taken'])
  // Events come in order: what was told of the batch would be there before this one's.
  const { id } = await page.evaluate(() => window.stepwell.trigger('quick', { count: 1 }))
  await sawEvent(page, id, 'run:trigger')
  const told = await page.evaluate(() =>
    window.events.flatMap((event) =>
      'jobName' in event && event.jobName === 'quick' ? [event.runId] : [],
    ),
  )
  expect(told).toEqual([runs[0]?.id, id])
})

test('an item that the schema refuses is named with its index and path, and nothing is written', async ({
  openPage,
}) => {
  const page = await openPage()
  const outcome = await page.evaluate(() => {
    const items = [{ input: { name: 'ab' } }, JSON.parse('{"input":{"name":"ab","tags":["x",7]}}')]
    return window.outcome(window.stepwell.batchTrigger('parsed', items))
  })
  expect(outcome).toMatchObject({
    ok: false,
    code: 'invalid_input',
    message: expect.stringMatching(/^items\[1\]: .*tags\[1\]/),
    issues: [['tags', 1]],
  })
  expect((await page.evaluate(() => window.stepwell.getRuns())).runs).toEqual([])
})

test('keys work within a batch: one run stands for all that coalesce, or have one idempotency key', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  await triggerSteps(page, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  const results = await page.evaluate(() => {
    const coalesce = { concurrencyKey: 'c', coalesce: 'skip' } as const
    return window.stepwell.batchTrigger('quick', [
      { input: { count: 1 }, ...coalesce },
      { input: { count: 2 }, ...coalesce },
      { input: { count: 3 }, idempotencyKey: 'i' },
      { input: { count: 4 }, idempotencyKey: 'i' },
      { input: { count: 5 }, ...coalesce, concurrencyKey: 'other' },
    ])
  })
  expect(results.map(({ disposition }) => disposition)).toEqual([
    'created',
    'coalesced',
    'created',
    'idempotent',
    'created',
  ])
  expect(results[1]?.id).toBe(results[0]?.id)
  expect(results[3]?.id).toBe(results[2]?.id)
  const { runs } = await page.evaluate(() => window.stepwell.getRuns({ job: 'quick' }))
  expect(runs.map(({ input }) => input)).toEqual([{ count: 5 }, { count: 3 }, { count: 1 }])
})

test('nothing for nothing, and an input with a key `input` is no wrapped item', async ({
  openPage,
}) => {
  const page = await openPage()
  const [empty, result] = await page.evaluate(async () => {
    const odd = JSON.parse('{"count":2,"input":{"count":9}}')
    return [
      await window.stepwell.batchTrigger('quick', []),
      await window.stepwell.batchTrigger('quick', [{ input: odd }]),
    ]
  })
  expect(empty).toEqual([])
  expect(result?.[0]?.run.input).toEqual({ count: 2, input: { count: 9 } })
  expect(await ended(page, result?.[0]?.id ?? '')).toMatchObject({ output: 1 })
})

test('1,001 items are refused before anything is sent', async ({ openPage }) => {
  const page = await openPage()
  const outcome = await page.evaluate(() => {
    const items = Array.from({ length: 1001 }, () => ({ input: { count: 0 } }))
    return window.outcome(window.stepwell.batchTrigger('quick', items))
  })
  expect(outcome).toMatchObject({ ok: false, code: 'invalid_input' })
  expect((await page.evaluate(() => window.stepwell.getRuns())).runs).toEqual([])
})

test('a batch that is open when the engine ends makes each of its runs once', async ({
  openPage,
}) => {
  const page = await openPage({ concurrency: 8 })
  await ready(page)
  const ids = await page.evaluate(async () => {
    const items = Array.from({ length: 50 }, (_, i) => ({ input: { count: i % 3 } }))
    const open = window.stepwell.batchTrigger('quick', items)
    await new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(resolve)))
    void window.crash('terminate')
    return (await open).map(({ id }) => id)
  })
  expect(new Set(ids).size).toBe(50)
  for (const id of ids) expect(await ended(page, id)).toMatchObject({ status: 'completed' })
  const { runs } = await page.evaluate(() => window.stepwell.getRuns({ limit: 100 }))
  expect(runs.map(({ id }) => id).sort()).toEqual([...ids].sort())
})
