// ACCEPTANCE A1, A2, A7, A9, A10, B1, B2, B6, E1.
import { expect, test } from '../support/fixtures.js'
import {
  ended,
  eventTypes,
  expectNothingUnhandled,
  ready,
  runOf,
  sawEvent,
  triggerSteps,
} from '../support/page.js'

test('a trigger answers with the committed run, and its events come in order', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const triggered = await page.evaluate(
    (key) => window.stepwell.trigger('steps', { key, count: 2 }),
    key,
  )
  expect(triggered).toMatchObject({
    disposition: 'created',
    run: { jobName: 'steps', input: { key, count: 2 }, attempt: 1, labels: {}, progress: null },
  })
  expect(triggered.run.id).toBe(triggered.id)
  await ended(page, triggered.id)
  await sawEvent(page, triggered.id, 'run:complete')
  expect(await eventTypes(page, triggered.id)).toEqual([
    'run:trigger',
    'run:start',
    'step:start',
    'step:complete',
    'step:start',
    'step:complete',
    'run:complete',
  ])
  const heads = await page.evaluate(
    (id) =>
      window.events.flatMap((event) =>
        'runId' in event && event.runId === id
          ? [
              {
                sequence: event.sequence,
                timestamp: event.timestamp,
                jobName: event.jobName,
                labels: event.labels,
              },
            ]
          : [],
      ),
    triggered.id,
  )
  for (const [i, head] of heads.entries()) {
    expect(head).toMatchObject({ jobName: 'steps', labels: {} })
    expect(Number.isInteger(head.timestamp)).toBe(true)
    if (i > 0) expect(head.sequence).toBe((heads[i - 1]?.sequence ?? 0) + 1)
  }
})

test('the parsed input is stored and given to the job, and the parsed output is stored', async ({
  openPage,
}) => {
  const page = await openPage()
  const id = await page.evaluate(async () => {
    const input = { name: '  ab ', stripped: true }
    return (await window.stepwell.trigger('parsed', input)).id
  })
  expect(await ended(page, id)).toMatchObject({
    status: 'completed',
    input: { name: 'ab', size: 3, tags: [] },
    output: { name: 'ab', size: 3 },
  })
  expect(await page.evaluate(async (id) => (await window.stepwell.getRun(id))?.input, id)).toEqual({
    name: 'ab',
    size: 3,
    tags: [],
  })
})

test('an invalid input is refused with the path of each problem, and nothing is written', async ({
  openPage,
}) => {
  const page = await openPage()
  const refused = await page.evaluate(() =>
    window.outcome(window.stepwell.trigger('parsed', JSON.parse('{"name":"a","tags":["x",7]}'))),
  )
  expect(refused).toMatchObject({
    ok: false,
    code: 'invalid_input',
    issues: [['name'], ['tags', 1]],
  })
  expect(await page.evaluate(() => window.stepwell.getRuns())).toEqual({
    runs: [],
    nextCursor: null,
  })
  const odd = await page.evaluate(() =>
    window.outcome(
      window.stepwell.trigger('quick', JSON.parse('{"count":1}'), JSON.parse('{"dely":1}')),
    ),
  )
  expect(odd).toMatchObject({
    ok: false,
    code: 'invalid_input',
    message: expect.stringContaining('dely'),
  })
  expect(await page.evaluate(() => window.stepwell.getRuns())).toEqual({
    runs: [],
    nextCursor: null,
  })
})

test('an unknown job is not_found and the message names the known ones', async ({ openPage }) => {
  const page = await openPage()
  const refused = await page.evaluate(() => {
    const name: 'quick' = JSON.parse('"quikc"')
    return window.outcome(window.stepwell.trigger(name, { count: 1 }))
  })
  expect(refused).toMatchObject({
    ok: false,
    code: 'not_found',
    message: expect.stringContaining('"extra"'),
  })
})

test.describe('triggerAndWait', () => {
  test('resolves with the output', async ({ openPage }) => {
    const page = await openPage()
    const result = await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 4 }))
    expect(result).toEqual({ id: expect.any(String), output: 6, disposition: 'created' })
  })

  test("rejects with the run's failure", async ({ openPage, key }) => {
    const page = await openPage()
    const failed = await page.evaluate(
      (key) => window.outcome(window.stepwell.triggerAndWait('flaky', { key, failures: 1 })),
      key,
    )
    expect(failed).toMatchObject({
      ok: false,
      name: 'TypeError',
      message: 'failure 1',
      code: 'error',
      stepName: 'shaky',
      attempt: 1,
    })
    await expectNothingUnhandled(page)
  })

  test('rejects with cancelled', async ({ openPage, key, server }) => {
    const page = await openPage()
    const waiting = page.evaluate(
      (key) =>
        window.outcome(window.stepwell.triggerAndWait('steps', { key, count: 1, gateAt: 0 })),
      key,
    )
    await server.gate(key).reached()
    await page.evaluate(async () => {
      const { runs } = await window.stepwell.getRuns({ status: 'running' })
      for (const { id } of runs) await window.stepwell.cancel(id)
    })
    expect(await waiting).toMatchObject({ ok: false, code: 'cancelled' })
  })

  test('rejects with timeout, and the run goes on', async ({ openPage, key, server }) => {
    const page = await openPage()
    const late = await page.evaluate(
      (key) =>
        window.outcome(
          window.stepwell.triggerAndWait(
            'steps',
            { key, count: 2, gateAt: 0 },
            { timeout: '50ms' },
          ),
        ),
      key,
    )
    expect(late).toMatchObject({ ok: false, code: 'timeout' })
    await server.gate(key).reached()
    server.gate(key).open()
    const completed = () => page.evaluate(() => window.stepwell.getRuns({ status: 'completed' }))
    await expect.poll(async () => (await completed()).runs.length).toBe(1)
  })
})

test('a trigger wakes an idle engine at once: its claim is in the same commit', async ({
  openPage,
}) => {
  const page = await openPage()
  await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
  for (let i = 0; i < 5; i++) {
    const { id } = await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
    await sawEvent(page, id, 'run:complete')
    const [trigger, start] = await page.evaluate(
      (id) =>
        window.events.flatMap((event) => ('runId' in event && event.runId === id ? [event] : [])),
      id,
    )
    expect([trigger?.type, start?.type]).toEqual(['run:trigger', 'run:start'])
    expect(start?.timestamp).toBe(trigger?.timestamp)
  }
})

test('runs of one slot start in the order in which they were triggered', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  await triggerSteps(page, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  const ids = await page.evaluate(async () => {
    const triggered = await Promise.all(
      Array.from({ length: 8 }, () => window.stepwell.trigger('quick', { count: 1 })),
    )
    return triggered.map(({ id }) => id)
  })
  expect([...ids].sort()).toEqual(ids)
  for (const id of ids)
    expect(await runOf(page, id)).toMatchObject({ status: 'pending', startedAt: null })
  server.gate(key).open()
  await ended(page, ids[7] ?? '')
  const started = await page.evaluate(() =>
    window.events.flatMap((event) => (event.type === 'run:start' ? [event.runId] : [])),
  )
  expect(started.slice(1)).toEqual(ids)
})

test('a run of a job that the code no longer has waits, and is reported', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  await triggerSteps(page, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('extra', { key })).id,
    key,
  )
  await page.close()

  const fewer = await openPage({ page: 'fewer.html' })
  server.gate(key).open()
  await ready(fewer)
  await fewer.waitForFunction(() => window.stepwell.status.unservedJobs.includes('extra'))
  await fewer.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 2 }))
  expect(await runOf(fewer, id)).toMatchObject({ status: 'pending', jobName: 'extra' })
  await fewer.close()

  const again = await openPage()
  expect(await ended(again, id)).toMatchObject({ status: 'completed', output: 'done' })
  await again.waitForFunction(() => window.stepwell.status.unservedJobs.length === 0)
})

test('getRuns: newest first, filters, and pages that neither skip nor repeat', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const ids = await page.evaluate(async () => {
    const made: string[] = []
    for (let i = 0; i < 7; i++) made.push((await window.stepwell.trigger('quick', { count: 1 })).id)
    return made
  })
  await ended(page, ids[6] ?? '')
  const extra = await page.evaluate(
    async (key) => (await window.stepwell.trigger('extra', { key })).id,
    key,
  )
  await ended(page, extra)
  const paged = await page.evaluate(async () => {
    const found: string[] = []
    const read = (from: string | null) =>
      window.stepwell.getRuns({
        job: 'quick',
        limit: 3,
        ...(from === null ? {} : { cursor: from }),
      })
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof read>> = await read(cursor)
      found.push(...page.runs.map(({ id }) => id))
      // Newer ones that come meanwhile are not on later pages.
      if (cursor === null) await window.stepwell.triggerAndWait('quick', { count: 0 })
      cursor = page.nextCursor
    } while (cursor !== null)
    return found
  })
  expect(paged).toEqual([...ids].reverse())
  const done = await page.evaluate(() =>
    window.stepwell.getRuns({ status: ['completed', 'failed'], job: ['extra', 'flaky'] }),
  )
  expect(done.runs.map(({ id }) => id)).toEqual([extra])
})

test.describe('waitForRun', () => {
  test('settles at once when the run has ended, and for one that is unknown', async ({
    openPage,
  }) => {
    const page = await openPage()
    const { id } = await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
    expect(await ended(page, id)).toMatchObject({ id, status: 'completed', output: 0 })
    const unknown = await page.evaluate(() =>
      window.outcome(window.stepwell.waitForRun('01900000-0000-7000-8000-000000000000')),
    )
    expect(unknown).toMatchObject({ ok: false, code: 'not_found' })
  })

  test('tells progress and log lines, and ends by timeout or signal without ending the run', async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage()
    const id = await page.evaluate(
      async (key) =>
        (await window.stepwell.trigger('progressing', { key, times: 3, gated: true })).id,
      key,
    )
    await server.gate(key).reached()
    expect(
      await page.evaluate(
        (id) => window.outcome(window.stepwell.waitForRun(id, { timeout: 20 })),
        id,
      ),
    ).toMatchObject({ ok: false, code: 'timeout' })
    expect(
      await page.evaluate((id) => {
        const controller = new AbortController()
        const waiting = window.outcome(
          window.stepwell.waitForRun(id, { signal: controller.signal }),
        )
        controller.abort(new RangeError('mine'))
        return waiting
      }, id),
    ).toMatchObject({ ok: false, name: 'RangeError', message: 'mine' })
    await page.evaluate((id) => {
      const seen: number[] = []
      const onProgress = ({ current }: { current: number }) => seen.push(current)
      window.kept = window.stepwell
        .waitForRun(id, { onProgress })
        .then(({ status }) => ({ seen, status }))
    }, id)
    server.gate(key).open()
    const { seen, status } = await page.evaluate(
      (): Promise<{ seen: number[]; status: string }> => window.kept,
    )
    expect(status).toBe('completed')
    expect(seen.length).toBeGreaterThan(0)
    expect(seen.at(-1)).toBe(3)
  })

  test('tells log lines', async ({ openPage, key, server }) => {
    // What the run says before it is waited for is not told: it waits for its slot until then.
    const page = await openPage({ concurrency: 1 })
    await triggerSteps(page, { key, count: 1, gateAt: 0 })
    await server.gate(key).reached()
    await page.evaluate(async (key) => {
      const { id } = await window.stepwell.trigger('logging', { key, lines: 0 })
      const lines: string[] = []
      const end = window.stepwell.waitForRun(id, { onLog: ({ message }) => lines.push(message) })
      window.kept = end.then(() => lines)
    }, key)
    server.gate(key).open()
    const told: string[] = await page.evaluate(() => window.kept)
    expect(told).toEqual(['before', 'd', 'i', 'w', 'e', 'after'])
  })
})
