// ACCEPTANCE B3, B4.
import { expect, test } from '../support/fixtures.js'
import { ended, eventTypes, runOf, sawEvent, triggerSteps } from '../support/page.js'

const UNKNOWN = '01900000-0000-7000-8000-000000000000'

test('cancel of a pending run: cancelled at once, and it never starts', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const first = await triggerSteps(page, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('extra', { key })).id,
    key,
  )
  const cancelled = await page.evaluate((id) => window.stepwell.cancel(id), id)
  expect(cancelled).toMatchObject({
    status: 'cancelled',
    startedAt: null,
    completedAt: expect.any(Number),
  })
  server.gate(key).open()
  await ended(page, first)
  await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
  expect(server.witness.count(`${key}/only`)).toBe(0)
  expect(await eventTypes(page, id)).toEqual(['run:trigger', 'run:cancel'])
})

for (const catches of [false, true]) {
  const title = catches ? ', whatever the function catches and returns' : ''
  test(`cancel of a running run aborts its signal, stores no result, starts no step${title}`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage()
    const id = await page.evaluate(
      async ({ key, catches }) =>
        (await window.stepwell.trigger('cancellable', { key, catches })).id,
      { key, catches },
    )
    await server.gate(key).reached()
    const cancelled = await page.evaluate((id) => window.stepwell.cancel(id), id)
    expect(cancelled).toMatchObject({ status: 'cancelled', completedAt: expect.any(Number) })
    await server.witness.reached(`${key}/aborted`)
    // The slot is free again, and whatever the cancelled function does afterwards is behind us.
    await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 3 }))
    expect(server.witness.count(`${key}/later`)).toBe(0)
    expect(await runOf(page, id)).toMatchObject({ status: 'cancelled' })
    const steps = await page.evaluate((id) => window.stepwell.getSteps(id, { outputs: true }), id)
    expect(steps.filter(({ status }) => status === 'completed')).toEqual([])
    expect((await eventTypes(page, id)).at(-1)).toBe('run:cancel')
  })
}

test('step.signal and step.throwIfAborted work between steps', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('between', { key })).id,
    key,
  )
  await server.witness.reached(`${key}/between`)
  await page.evaluate((id) => window.stepwell.cancel(id), id)
  await server.witness.reached(`${key}/thrown`)
  await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
  expect(await runOf(page, id)).toMatchObject({ status: 'cancelled' })
})

test('cancel of an ended run is already_terminal, of an unknown one not_found', async ({
  openPage,
}) => {
  const page = await openPage()
  const { id } = await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
  const cancel = (id: string) =>
    page.evaluate((id) => window.outcome(window.stepwell.cancel(id)), id)
  expect(await cancel(id)).toMatchObject({ ok: false, code: 'already_terminal' })
  expect(await cancel(UNKNOWN)).toMatchObject({ ok: false, code: 'not_found' })
  expect(await runOf(page, id)).toMatchObject({ status: 'completed' })
  expect(await runOf(page, UNKNOWN)).toBeNull()
})

test('retry goes on from the failed step, with the next attempt and the same idempotency key', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('flaky', { key, failures: 2 })).id,
    key,
  )
  for (const failure of ['failure 1', 'failure 2']) {
    expect(await ended(page, id)).toMatchObject({
      status: 'failed',
      error: { name: 'TypeError', message: failure, code: 'error', stepName: 'shaky' },
    })
    const retried = await page.evaluate((id) => window.stepwell.retry(id), id)
    expect(retried).toMatchObject({ status: 'pending', completedAt: null })
  }
  expect(await ended(page, id)).toMatchObject({
    status: 'completed',
    attempt: 3,
    output: { attempt: 3, times: 3 },
  })
  expect(server.witness.counts(`${key}/`)).toEqual({
    [`${key}/first`]: 1,
    [`${key}/shaky`]: 3,
    [`${key}/key/${id}:shaky`]: 3,
    [`${key}/last`]: 1,
  })
  await sawEvent(page, id, 'run:complete')
  expect(await eventTypes(page, id)).toEqual([
    'run:trigger',
    'run:start',
    'step:start',
    'step:complete',
    ...['step:start', 'log:write', 'step:fail', 'run:fail', 'run:retry', 'run:start'],
    ...['step:start', 'log:write', 'step:fail', 'run:fail', 'run:retry', 'run:start'],
    ...['step:start', 'log:write', 'step:complete'],
    ...['step:start', 'step:complete', 'run:complete'],
  ])
})

test('retry of a cancelled run goes on; of a running one is a conflict, of a completed one already_terminal', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await triggerSteps(page, { key, count: 2, gateAt: 1 })
  await server.gate(key).reached()
  const retry = () => page.evaluate((id) => window.outcome(window.stepwell.retry(id)), id)
  expect(await retry()).toMatchObject({ ok: false, code: 'conflict' })
  await page.evaluate((id) => window.stepwell.cancel(id), id)
  server.gate(key).open()
  expect(await retry()).toMatchObject({ ok: true, value: { status: 'pending', attempt: 2 } })
  expect(await ended(page, id)).toMatchObject({ status: 'completed' })
  expect(server.witness.count(`${key}/s-0`)).toBe(1)
  expect(await retry()).toMatchObject({ ok: false, code: 'already_terminal' })
})
