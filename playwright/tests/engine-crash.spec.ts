// ACCEPTANCE J5: the engine dies, the executor lives on.
import { expect, test } from '../support/fixtures.js'
import { ended, expectNothingUnhandled, runOf, sawEvent, triggerSteps } from '../support/page.js'
import { exported, sqlite3 } from '../support/transfers.js'

for (const how of ['panic', 'terminate'] as const) {
  test(`${how} while a step's body runs: the body is adopted and runs once`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage()
    const id = await triggerSteps(page, { key, count: 3, gateAt: 1 })
    await server.gate(key).reached()
    await page.evaluate((how) => window.crash(how), how)
    await page.waitForFunction(
      () => window.stepwell.status.state === 'ready' && window.stepwell.status.epoch === 2,
    )
    const steps = await page.evaluate((id) => window.stepwell.getSteps(id), id)
    expect(steps[0]).toMatchObject({ name: 's-0', status: 'completed' })
    server.gate(key).open()
    expect(await ended(page, id)).toMatchObject({
      status: 'completed',
      output: { values: [0, 1, 2] },
      attempt: 1,
      recoveries: 0,
    })
    expect(server.witness.counts(`${key}/`)).toEqual({
      [`${key}/s-0`]: 1,
      [`${key}/s-1`]: 1,
      [`${key}/s-2`]: 1,
    })
    await sawEvent(page, id, 'run:resume')
    await expectNothingUnhandled(page)
  })
}

test('the engine dies while a body ends: its outcome is sent again and stored once', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await triggerSteps(page, { key, count: 2, gateAt: 0 })
  await server.gate(key).reached()
  // The body returns while there is no engine that could hear of it.
  const crashed = page.evaluate(() => window.crash('terminate'))
  server.gate(key).open()
  await crashed
  expect(await ended(page, id)).toMatchObject({ status: 'completed' })
  expect(server.witness.counts(`${key}/`)).toEqual({ [`${key}/s-0`]: 1, [`${key}/s-1`]: 1 })
})

for (const how of ['panic', 'terminate'] as const) {
  test(`commands that are open at a ${how} are sent again and have one effect`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage({ concurrency: 4 })
    await page.evaluate(() => window.stepwell.getRuns({ limit: 1 }))
    const ids = await page.evaluate(
      async ({ key, how }) => {
        const open: Promise<{ id: string }>[] = []
        for (let i = 0; i < 20; i++) {
          open.push(window.stepwell.trigger('steps', { key: `${key}/${i}`, count: 1 }))
          // Some are sent before the crash, some after it.
          if (i % 5 === 0) await new Promise<void>((resolve) => queueMicrotask(resolve))
          if (i === 9) void window.crash(how)
        }
        return (await Promise.all(open)).map(({ id }) => id)
      },
      { key, how },
    )
    expect(new Set(ids).size).toBe(20)
    for (const id of ids) expect(await ended(page, id)).toMatchObject({ status: 'completed' })
    const { runs } = await page.evaluate(() => window.stepwell.getRuns({ limit: 100 }))
    expect(runs).toHaveLength(20)
    for (let i = 0; i < 20; i++) expect(server.witness.count(`${key}/${i}/s-0`)).toBe(1)
    await expectNothingUnhandled(page)
  })
}

test('a trigger that was committed, and whose answer was lost, makes one run', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
  const id = await page.evaluate(async (key) => {
    const triggered = window.stepwell.trigger('steps', { key, count: 1 })
    // The command leaves in this microtask checkpoint. Then the page's thread is held until a step's body has run, so
    // that the answer is on its way and not read; and then there is no engine that could have sent it.
    for (let i = 0; i < 20; i++) await null
    for (let counts = '{}'; counts === '{}'; ) {
      const request = new XMLHttpRequest()
      request.open('GET', `/witness/${key}/`, false)
      request.send()
      counts = request.responseText
    }
    void window.crash('terminate')
    return (await triggered).id
  }, key)
  expect(await ended(page, id)).toMatchObject({ status: 'completed' })
  const { runs } = await page.evaluate(() => window.stepwell.getRuns({ job: 'steps' }))
  expect(runs.map((run) => run.id)).toEqual([id])
  expect(server.witness.count(`${key}/s-0`)).toBe(1)
})

test('a cancel that is open at a panic has one effect', async ({ openPage, key, server }) => {
  const page = await openPage()
  const id = await triggerSteps(page, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  const outcome = await page.evaluate((id) => {
    const cancelled = window.outcome(window.stepwell.cancel(id))
    void window.crash('panic')
    return cancelled
  }, id)
  expect(outcome).toMatchObject({ ok: true, value: { status: 'cancelled' } })
  expect(await runOf(page, id)).toMatchObject({ status: 'cancelled' })
  server.gate(key).open()
  await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
})

test('three fatal restarts in a minute: faulted is told, and nothing hangs', async ({
  openPage,
}) => {
  const page = await openPage()
  const { id } = await page.evaluate(() =>
    window.stepwell.triggerAndWait('measured', { file: new File(['0123456789'], 'digits.txt') }),
  )
  for (let epoch = 1; epoch <= 3; epoch++) {
    await page.waitForFunction(
      (epoch) => window.stepwell.status.state === 'ready' && window.stepwell.status.epoch === epoch,
      epoch,
    )
    await page.evaluate(() => window.crash('panic'))
  }
  await page.waitForFunction(() => window.stepwell.status.state === 'unavailable')
  const status = await page.evaluate(() => ({
    state: window.stepwell.status.state,
    code: window.stepwell.status.error?.code,
    message: window.stepwell.status.error?.message,
  }))
  expect(status).toMatchObject({ state: 'unavailable', code: 'faulted' })
  expect(status.message?.length).toBeGreaterThan(40)
  expect(
    await page.evaluate(() => window.outcome(window.stepwell.trigger('quick', { count: 1 }))),
  ).toMatchObject({ ok: false, code: 'faulted' })
  await page.waitForFunction(() => window.events.some(({ type }) => type === 'engine:error'))
  // No engine is needed to give out what is stored.
  const file = await exported(page)
  expect(sqlite3(file, 'PRAGMA integrity_check; SELECT id FROM stepwell_runs')).toBe(`ok\n${id}`)
  const withFiles = await exported(page, { blobs: true })
  expect(sqlite3(withFiles, 'SELECT data FROM stepwell_blob_files')).toBe('0123456789')
})

test('an executor that dies is replaced, and only the step in flight runs again', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await triggerSteps(page, { key, count: 3, gateAt: 1 })
  await server.gate(key).reached()
  await page.evaluate(() => window.killExecutor())
  await server.gate(key).reached(2)
  server.gate(key).open()
  expect(await ended(page, id)).toMatchObject({ status: 'completed' })
  expect(server.witness.counts(`${key}/`)).toEqual({
    [`${key}/s-0`]: 1,
    [`${key}/s-1`]: 2,
    [`${key}/s-2`]: 1,
  })
  expect(await page.evaluate(() => window.stepwell.status.epoch)).toBe(1)
})
