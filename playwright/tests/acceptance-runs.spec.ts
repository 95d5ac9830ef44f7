// ACCEPTANCE A9, B1, B5, B6: what a run keeps over interruptions, what a deleted one leaves, and that nothing polls.
import { expect, test } from '../support/fixtures.js'
import { ended, runOf, triggerSteps } from '../support/page.js'

test('startedAt is that of the first claim, over a killed executor, a dead engine and a reload', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await triggerSteps(page, { key, count: 2, gateAt: 1 })
  await server.gate(key).reached()
  const first = await runOf(page, id)
  expect(first).toMatchObject({ status: 'running', startedAt: expect.any(Number) })
  await page.evaluate(() => window.killExecutor())
  await server.gate(key).reached(2)
  expect(await runOf(page, id)).toMatchObject({ status: 'running', startedAt: first?.startedAt })
  await page.evaluate(() => window.crash('terminate'))
  await page.reload()
  await server.gate(key).reached(3)
  server.gate(key).open()
  const done = await ended(page, id)
  expect(done).toMatchObject({ status: 'completed', startedAt: first?.startedAt })
  expect(done.completedAt).toBeGreaterThan(first?.startedAt ?? Number.NaN)
})

test('an engine that waits for a delayed run, and who waits for its end, ask for nothing meanwhile', async ({
  openPage,
}) => {
  const page = await openPage()
  await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
  const { batches, asked } = await page.evaluate(async () => {
    const before = await window.counters()
    const askedBefore = { ...window.asked }
    await window.stepwell.triggerAndWait('quick', { count: 1 }, { delay: 3000 })
    const asked = Object.entries(window.asked).map(
      ([type, count]) => [type, count - (askedBefore[type] ?? 0)] as const,
    )
    return {
      asked: Object.fromEntries(asked.filter(([, count]) => count > 0)),
      batches: (await window.counters()).batches - before.batches,
    }
  })
  // One read of the run when the wait begins, one at its end. Polling each 100 ms would ask 30 times.
  expect(asked).toMatchObject({ trigger: 1, getRun: 2 })
  // The trigger, the two reads, the claim, step and end, and what counts them.
  expect(batches).toBeLessThanOrEqual(8)
})

for (const way of ['deleteRun', 'purgeRuns'] as const) {
  test(`${way} of a cancelled run whose function still works: its slot and its key are free once it ends`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage()
    const trigger = () =>
      page.evaluate(async (key) => {
        const options = { concurrencyKey: 'c' }
        return (await window.stepwell.trigger('deaf', { key }, options)).id
      }, key)
    const first = await trigger()
    await server.gate(key).reached()
    await page.evaluate(
      async ([id, way]) => {
        await window.stepwell.cancel(id)
        if (way === 'deleteRun') await window.stepwell.deleteRun(id)
        // It ended in this very millisecond, maybe.
        else while ((await window.stepwell.purgeRuns({ olderThan: 1 })) === 0);
      },
      [first, way] as const,
    )
    expect(await runOf(page, first)).toBeNull()
    const next = await trigger()
    expect(await runOf(page, next)).toMatchObject({ status: 'pending', concurrencyKey: 'c' })
    server.gate(key).open()
    expect(await ended(page, next)).toMatchObject({ status: 'completed' })
    expect(await runOf(page, first)).toBeNull()
    expect(await page.evaluate(() => window.stepwell.getRuns())).toMatchObject({
      runs: [{ id: next }],
    })
  })
}

test('2,000 runs can be waited for at once, also over a restart of the engine', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ concurrency: 50 })
  await page.evaluate(async (key) => {
    await window.stepwell.trigger('deaf', { key })
    const items = Array.from({ length: 1000 }, () => ({ input: { count: 0 } }))
    const triggered = [
      ...(await window.stepwell.batchTrigger('quick', items)),
      ...(await window.stepwell.batchTrigger('quick', items)),
    ]
    window.kept = window.outcome(
      Promise.all(triggered.map(({ id }) => window.stepwell.waitForRun(id))),
    )
    await window.crash('terminate')
  }, key)
  const statuses = await page.evaluate(async () => {
    const all = await window.kept
    return all.ok ? [...new Set(all.value.map(({ status }: { status: string }) => status))] : all
  })
  expect(statuses).toEqual(['completed'])
  server.gate(key).open()
})
