// DESIGN §7: a replay of waits is what the first execution was.
import type { Page } from '@playwright/test'
import type { TestServer } from '../server/server.mjs'
import { expect, test } from '../support/fixtures.js'
import { ended } from '../support/page.js'
import { eventsOf, signal, stepsOf, trigger } from '../support/runs.js'

/** The function is at its last step: everything before it is done. Its worker dies, and it is replayed up to there. */
async function replay(page: Page, server: TestServer, key: string): Promise<void> {
  await server.gate(key).reached()
  await page.evaluate(() => window.killExecutor())
  await server.gate(key).reached(2)
}

const WINNERS = ['sleep', 'step', 'signal', 'child'] as const

for (const winner of WINNERS) {
  test(`of a race the same one wins live and in a replay: ${winner}`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage({ concurrency: 2 })
    const ms = winner === 'sleep' ? 300 : 3_600_000
    const id = await trigger(page, 'racing', { key, ms })
    await server.gate(`${key}-body`).reached()
    await server.gate(`${key}-0`).reached()
    if (winner === 'step') server.gate(`${key}-body`).open()
    if (winner === 'signal') expect(await signal(page, `${id}:word`, 1)).toBe('delivered')
    if (winner === 'child') server.gate(`${key}-0`).open()
    await server.gate(key).reached()
    // The others come in, too late: in a replay all of them have ended.
    for (const gate of ['body', '0']) server.gate(`${key}-${gate}`).open()
    if (winner !== 'signal') await signal(page, `${id}:word`, 1)
    await page.waitForFunction(
      ({ id, count }) =>
        window.events.filter((event) => event.type === 'step:complete' && event.runId === id)
          .length === count,
      { id, count: winner === 'sleep' ? 4 : 3 },
    )
    await replay(page, server, key)
    server.gate(key).open()
    expect(await ended(page, id)).toMatchObject({ status: 'completed', output: winner })
    expect(server.witness.counts(`${key}/winner/`)).toEqual({ [`${key}/winner/${winner}`]: 2 })
  })
}

for (const order of [
  ['one', 'two', 'word', 'kid'],
  ['kid', 'two', 'word', 'one'],
  ['word', 'kid', 'one', 'two'],
]) {
  test(`waits and steps that end in the order ${order.join()}, and a sleep, are replayed in that order`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage({ concurrency: 2 })
    const id = await trigger(page, 'ordering', { key, ms: 250 })
    for (const gate of ['one', 'two', '0']) await server.gate(`${key}-${gate}`).reached()
    for (const [i, name] of order.entries()) {
      if (name === 'word') await signal(page, `${id}:word`, 1)
      else server.gate(`${key}-${name === 'kid' ? '0' : name}`).open()
      // The sleep ends in between, whenever that is.
      await page.waitForFunction(
        ({ id, count }) =>
          window.events.filter(
            (event) =>
              event.type === 'step:complete' && event.runId === id && event.stepName !== 'nap',
          ).length === count,
        { id, count: i + 1 },
      )
    }
    await replay(page, server, key)
    server.gate(key).open()
    const run = await ended(page, id)
    const stored = [...(await stepsOf(page, id)).values()]
      .filter(({ name }) => name !== 'hold')
      .sort((a, b) => (a.completedIndex ?? 0) - (b.completedIndex ?? 0))
      .map(({ name }) => name)
    expect(run.output).toEqual(stored)
    expect(stored.filter((name) => name !== 'nap')).toEqual(order)
    expect(server.witness.counts(`${key}/order/`)).toEqual({ [`${key}/order/${stored.join()}`]: 2 })
  })
}

for (const [what, says] of [
  ['kind', 'thing'],
  ['child', 'thing'],
] as const) {
  test(`a replay that finds another ${what} under a name is history_mismatch`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage()
    const id = await trigger(page, 'changed', { key, what })
    await server.gate(key).reached()
    await page.evaluate(() => window.killExecutor())
    expect(await ended(page, id)).toMatchObject({
      status: 'failed',
      error: { code: 'history_mismatch', message: expect.stringContaining(says) },
    })
    expect(server.witness.counts(`${key}/`)).toEqual({ [`${key}/life`]: 2, [`${key}/hold`]: 1 })
  })
}

test('the failure of a child that its parent caught is replayed as that error', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await trigger(page, 'forgiving', { key })
  await replay(page, server, key)
  server.gate(key).open()
  const caught = 'RangeError, for RangeError: no 1'
  expect(await ended(page, id)).toMatchObject({ status: 'completed', output: caught })
  expect(server.witness.counts(`${key}/caught/`)).toEqual({ [`${key}/caught/${caught}`]: 2 })
  expect(server.witness.count(`${key}/child/1`)).toBe(1)
  expect(await eventsOf(page, id, 'run:resume')).toHaveLength(2)
})
