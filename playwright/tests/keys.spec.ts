// ACCEPTANCE A3, A4, A6, A7, A8, B1: what the options of a trigger do.
import { expect, test } from '../support/fixtures.js'
import { ended, eventTypes, ready, runOf, sawEvent, triggerSteps } from '../support/page.js'

const runsOf = (page: import('@playwright/test').Page) =>
  page.evaluate(async () => (await window.stepwell.getRuns()).runs.map(({ id }) => id))

test('an idempotency key finds the run of the first trigger, whatever its status, over a reload too', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const trigger = (count: number) =>
    page.evaluate(
      ([key, count]) =>
        window.stepwell.trigger('steps', { key, count, gateAt: 0 }, { idempotencyKey: 'once' }),
      [key, count] as const,
    )
  const first = await trigger(1)
  expect(first).toMatchObject({ disposition: 'created', run: { idempotencyKey: 'once' } })
  await server.gate(key).reached()
  expect(await trigger(2)).toMatchObject({
    id: first.id,
    disposition: 'idempotent',
    run: { status: 'running', input: { key, count: 1, gateAt: 0 } },
  })
  server.gate(key).open()
  await ended(page, first.id)
  await page.reload()
  expect(await trigger(3)).toMatchObject({
    id: first.id,
    disposition: 'idempotent',
    run: { status: 'completed', input: { count: 1 }, output: { values: [0] } },
  })
  expect(await runsOf(page)).toEqual([first.id])
  expect(await eventTypes(page, first.id)).toEqual([])
})

test('an idempotency key belongs to its job', async ({ openPage, key }) => {
  const page = await openPage()
  const ids = await page.evaluate(async (key) => {
    const options = { idempotencyKey: 'same' }
    const first = await window.stepwell.trigger('quick', { count: 1 }, options)
    const other = await window.stepwell.trigger('extra', { key }, options)
    return [first.disposition, other.disposition, String(first.id === other.id)]
  }, key)
  expect(ids).toEqual(['created', 'created', 'false'])
})

test('idempotency is looked up before the concurrency conflict', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  await triggerSteps(page, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  const outcome = await page.evaluate(async () => {
    const options = { concurrencyKey: 'c', idempotencyKey: 'i' }
    const first = await window.stepwell.trigger('quick', { count: 1 }, options)
    const again = await window.stepwell.trigger('quick', { count: 2 }, options)
    return [again.disposition, String(again.id === first.id)]
  })
  expect(outcome).toEqual(['idempotent', 'true'])
})

test('one run of a concurrency key is at work and one pending; a third is a conflict', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ concurrency: 4 })
  const trigger = (count: number) =>
    page.evaluate(
      ([key, count]) =>
        window.outcome(
          window.stepwell.trigger('steps', { key, count, gateAt: 0 }, { concurrencyKey: 'c' }),
        ),
      [key, count] as const,
    )
  const first = await trigger(1)
  await server.gate(key).reached()
  const second = await trigger(2)
  expect(second).toMatchObject({ ok: true, value: { disposition: 'created' } })
  expect(await trigger(3)).toMatchObject({
    ok: false,
    code: 'conflict',
    message: expect.stringMatching(/concurrencyKey "c".*coalesce/),
  })
  // There are slots, and the second run is not given one.
  await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
  if (!first.ok || !second.ok) throw new Error('refused')
  expect(await runOf(page, second.value.id)).toMatchObject({ status: 'pending' })
  server.gate(key).open()
  await ended(page, second.value.id)
  const order = await page.evaluate(
    ([a, b]) =>
      window.events.flatMap((event) =>
        'runId' in event && (event.runId === a || event.runId === b) && event.type !== 'step:start'
          ? [`${event.runId === a ? 'first' : 'second'} ${event.type}`]
          : [],
      ),
    [first.value.id, second.value.id] as const,
  )
  expect(order.indexOf('first run:complete')).toBeLessThan(order.indexOf('second run:start'))
  expect(await runsOf(page)).toHaveLength(3)
})

test('a concurrency key belongs to its job', async ({ openPage, key, server }) => {
  const page = await openPage({ concurrency: 2 })
  await page.evaluate(
    (key) =>
      window.stepwell.trigger('steps', { key, count: 1, gateAt: 0 }, { concurrencyKey: 'c' }),
    key,
  )
  await server.gate(key).reached()
  // Another job's run of the same key runs beside it.
  const done = await page.evaluate(() =>
    window.stepwell.triggerAndWait('quick', { count: 3 }, { concurrencyKey: 'c' }),
  )
  expect(done).toMatchObject({ disposition: 'created', output: 3 })
  server.gate(key).open()
})

test('coalesce: skip returns the pending run, and run:coalesced carries what was skipped', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  await triggerSteps(page, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  const [first, second] = await page.evaluate(async () => {
    const options = { concurrencyKey: 'c', coalesce: 'skip' } as const
    const first = await window.stepwell.trigger('quick', { count: 1 }, options)
    const second = await window.stepwell.trigger(
      'quick',
      { count: 2 },
      { ...options, labels: { from: 'second' }, priority: 7, idempotencyKey: 'free' },
    )
    return [first, second]
  })
  expect(first).toMatchObject({ disposition: 'created' })
  expect(second).toMatchObject({
    id: first?.id,
    disposition: 'coalesced',
    run: { status: 'pending', input: { count: 1 }, labels: {}, idempotencyKey: null },
  })
  await sawEvent(page, first?.id ?? '', 'run:coalesced')
  const told = await page.evaluate(() => window.events.find(({ type }) => type === 'run:coalesced'))
  expect(told).toMatchObject({
    runId: first?.id,
    jobName: 'quick',
    status: 'pending',
    skipped: {
      concurrencyKey: 'c',
      labels: { from: 'second' },
      idempotencyKey: 'free',
      priority: 7,
      startAt: expect.any(Number),
    },
  })
  server.gate(key).open()
})

test('what is wrong with an option is told, and nothing is written', async ({ openPage }) => {
  const page = await openPage()
  const refusals = await page.evaluate(async () => {
    const bad = [
      '{"coalesce":"skip"}',
      '{"coalesce":"latest","concurrencyKey":"c"}',
      '{"concurrencyKey":""}',
      '{"idempotencyKey":7}',
      '{"labels":{"a b":"x"}}',
      '{"delay":-5}',
      '{"delay":5,"startAt":5}',
      '{"priority":1001}',
    ]
    const outcomes = bad.map((text) =>
      window.outcome(window.stepwell.trigger('quick', { count: 1 }, JSON.parse(text))),
    )
    return Promise.all(outcomes)
  })
  expect(refusals.map((refused) => !refused.ok && refused.code)).toEqual(
    refusals.map(() => 'invalid_input'),
  )
  expect(await runsOf(page)).toEqual([])
  expect(await page.evaluate(() => window.events.filter((event) => 'runId' in event))).toEqual([])
})

test('labels are stored as the schema makes them, and stand on the run and on each of its events', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const { id, run } = await page.evaluate(
    (key) => window.stepwell.trigger('labelled', { key }, { labels: { tenant: 'ACME' } }),
    key,
  )
  expect(run.labels).toEqual({ tenant: 'acme', plan: 'free' })
  await ended(page, id)
  await sawEvent(page, id, 'run:complete')
  const labels = await page.evaluate(() =>
    window.events.flatMap((event) => ('labels' in event ? [event.labels] : [])),
  )
  expect(labels.length).toBeGreaterThan(3)
  for (const each of labels) expect(each).toEqual({ tenant: 'acme', plan: 'free' })
})

test('labels that the schema refuses are invalid_input with their path, and nothing is written', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const refused = await page.evaluate(
    (key) =>
      window.outcome(window.stepwell.trigger('labelled', { key }, { labels: { tenant: 'a' } })),
    key,
  )
  expect(refused).toMatchObject({ ok: false, code: 'invalid_input', issues: [['tenant']] })
  expect(await runsOf(page)).toEqual([])
})

test('triggerAndWait with keys waits for the run that stands for it, and says which', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  await triggerSteps(page, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  await page.evaluate(async () => {
    const options = { concurrencyKey: 'c', coalesce: 'skip' } as const
    const created = window.stepwell.triggerAndWait('quick', { count: 3 }, options)
    await new Promise<void>((resolve) => {
      window.stepwell.on('run:trigger', ({ jobName }) => jobName === 'quick' && resolve())
    })
    const isCoalesced = new Promise<void>((resolve) => {
      window.stepwell.on('run:coalesced', () => resolve())
    })
    const coalesced = window.stepwell.triggerAndWait('quick', { count: 9 }, options)
    window.kept = Promise.all([created, coalesced])
    // Before the run that it stands for may start.
    await isCoalesced
  })
  server.gate(key).open()
  const [created, coalesced] = await page.evaluate(() => window.kept)
  expect(created).toEqual({ id: expect.any(String), disposition: 'created', output: 3 })
  expect(coalesced).toEqual({ id: created.id, disposition: 'coalesced', output: 3 })
})

test('delay and startAt are exact to the millisecond, and never early', async ({ openPage }) => {
  const page = await openPage()
  const { delayed, at, dated } = await page.evaluate(async () => {
    const input = { count: 1 }
    const delayed = await window.stepwell.trigger('quick', input, { delay: 1234 })
    const at = Date.now() + 1357
    const dated = await window.stepwell.trigger('quick', input, { startAt: new Date(at) })
    return { delayed, at, dated }
  })
  expect(delayed.run.startAt - delayed.run.createdAt).toBe(1234)
  expect(dated.run.startAt).toBe(at)
  for (const { id, run } of [delayed, dated]) {
    expect(run.status).toBe('pending')
    const { startedAt } = await ended(page, id)
    expect(startedAt).toBeGreaterThanOrEqual(run.startAt)
    // The machine may be busy. That nothing polls is counted in acceptance-runs.
    expect((startedAt ?? Number.NaN) - run.startAt).toBeLessThan(1000)
  }
})

test('a startAt in the past means now', async ({ openPage }) => {
  const page = await openPage()
  const { run } = await page.evaluate(() =>
    window.stepwell.trigger('quick', { count: 1 }, { startAt: 1 }),
  )
  expect(run.startAt).toBe(run.createdAt)
  expect(await ended(page, run.id)).toMatchObject({ status: 'completed' })
})

test('a delay survives a reload and does not start over', async ({ openPage }) => {
  const page = await openPage()
  const { id, run } = await page.evaluate(() =>
    window.stepwell.trigger('quick', { count: 1 }, { delay: '2s' }),
  )
  await page.reload()
  await ready(page)
  const readyAt = await page.evaluate(() => Date.now())
  const done = await ended(page, id)
  expect(done).toMatchObject({ status: 'completed', startAt: run.createdAt + 2000 })
  expect(done.startedAt).toBeGreaterThanOrEqual(done.startAt)
  // The reload may take longer than the delay. One that started over would end 2 s after it.
  const dueAt = Math.max(done.startAt, readyAt)
  expect((done.startedAt ?? Number.NaN) - dueAt).toBeLessThan(1000)
})

test('greater priorities start first, then those that were triggered first', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  await triggerSteps(page, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  const ids = await page.evaluate(async () => {
    const priorities = [0, -1000, 5, 1000, 5]
    const triggered = priorities.map((priority) =>
      window.stepwell.trigger('quick', { count: 1 }, { priority }),
    )
    return (await Promise.all(triggered)).map(({ id }) => id)
  })
  server.gate(key).open()
  await ended(page, ids[1] ?? '')
  const started = await page.evaluate(() =>
    window.events.flatMap((event) => (event.type === 'run:start' ? [event.runId] : [])),
  )
  expect(started.slice(1).map((id) => ids.indexOf(id))).toEqual([3, 2, 4, 0, 1])
})
