// step.map: one step an item.
import { expect, test } from '../support/fixtures.js'
import { ended, ready } from '../support/page.js'
import { retry, stepsOf, trigger } from '../support/runs.js'

test('map: one step an item, at most so many at once, results in the order of the items', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const gated = [0, 1, 2, 3, 4]
  const id = await trigger(page, 'mapped', { key, count: 5, concurrency: 2, gated })
  // In which order they end does not matter to the results.
  for (const [i, n] of [1, 0, 2, 4, 3].entries()) {
    await server.witness.reached(`${key}/item/`, Math.min(5, 2 + i))
    expect(server.witness.arrivals(`${key}/item/`)).toHaveLength(Math.min(5, 2 + i))
    server.gate(`${key}-${n}`).open()
  }
  const output = gated.map((n) => [n * 2, n])
  expect(await ended(page, id)).toMatchObject({ status: 'completed', output })
  expect([...(await stepsOf(page, id)).keys()].sort()).toEqual(gated.map((n) => `item:${n}`))
})

test('map without items, and with all of them at once', async ({ openPage, key, server }) => {
  const page = await openPage()
  const none = await trigger(page, 'mapped', { key, count: 0 })
  expect(await ended(page, none)).toMatchObject({ status: 'completed', output: [] })
  const gated = [0, 1, 2, 3]
  const id = await trigger(page, 'mapped', { key, count: 4, gated })
  await server.witness.reached(`${key}/item/`, 4)
  for (const n of gated) server.gate(`${key}-${n}`).open()
  expect(await ended(page, id)).toMatchObject({ output: gated.map((n) => [n * 2, n]) })
})

test('map: the first failure aborts those at work and stores nothing of them; retried, what was done is not done again', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await trigger(page, 'mapped', {
    key,
    count: 6,
    concurrency: 3,
    gated: [2],
    failing: 1,
  })
  // Item 1 holds its failure back until all that follow are done, apart from the gated one.
  await page.waitForFunction(
    (id) =>
      window.events.filter(
        ({ type, ...event }) => type === 'step:complete' && 'runId' in event && event.runId === id,
      ).length === 4,
    id,
  )
  server.gate(`${key}-fail`).open()
  expect(await ended(page, id)).toMatchObject({
    status: 'failed',
    error: { name: 'RangeError', message: 'no 1', stepName: 'item:1' },
  })
  await server.witness.reached(`${key}/aborted/2`)
  const statuses = [...(await stepsOf(page, id)).values()].map(({ name, status }) => [name, status])
  expect(statuses.filter(([, status]) => status === 'completed').map(([name]) => name)).toEqual([
    'item:0',
    'item:3',
    'item:4',
    'item:5',
  ])
  server.gate(`${key}-2`).open()
  expect(await retry(page, id)).toMatchObject({ ok: true })
  expect(await ended(page, id)).toMatchObject({
    status: 'completed',
    output: [0, 1, 2, 3, 4, 5].map((n) => [n * 2, n]),
  })
  expect(server.witness.counts(`${key}/item/`)).toEqual(
    Object.fromEntries(
      [0, 1, 2, 3, 4, 5].map((n) => [`${key}/item/${n}`, n === 1 || n === 2 ? 2 : 1]),
    ),
  )
})

test('map: a function that catches the first failure goes on; nothing of the others is stored, nor run again in a replay', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await trigger(page, 'forgiving-map', { key })
  await server.witness.reached(`${key}/item/`, 3)
  await page.waitForFunction(
    (id) =>
      window.events.some(
        (event) =>
          event.type === 'step:complete' && event.runId === id && event.stepName === 'item:1',
      ),
    id,
  )
  server.gate(`${key}-fail`).open()
  await server.gate(key).reached()
  // The third one returns when its signal fires, and that counts for nothing.
  await server.witness.reached(`${key}/signal`)
  const stored = async () =>
    [...(await stepsOf(page, id)).values()]
      .filter(({ completedIndex }) => completedIndex !== null)
      .map(({ name, status }) => [name, status])
  const outcomes = [
    ['item:1', 'completed'],
    ['item:0', 'failed'],
  ]
  expect(await stored()).toEqual(outcomes)
  await page.evaluate(() => window.killExecutor())
  await server.gate(key).reached(2)
  expect(await stored()).toEqual(outcomes)
  server.gate(key).open()
  expect(await ended(page, id)).toMatchObject({ status: 'completed', output: 'RangeError: no' })
  expect(server.witness.counts(`${key}/item/`)).toEqual({
    [`${key}/item/fails`]: 1,
    [`${key}/item/ends`]: 1,
    [`${key}/item/aborted`]: 1,
  })
})

test('map goes on over a reload with the items that are not done', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await trigger(page, 'mapped', { key, count: 4, concurrency: 2, gated: [2, 3] })
  await server.gate(`${key}-2`).reached()
  await server.gate(`${key}-3`).reached()
  await page.reload()
  await ready(page)
  await server.gate(`${key}-2`).reached(2)
  for (const n of [2, 3]) server.gate(`${key}-${n}`).open()
  expect(await ended(page, id)).toMatchObject({ output: [0, 1, 2, 3].map((n) => [n * 2, n]) })
  expect(server.witness.counts(`${key}/item/`)).toEqual({
    [`${key}/item/0`]: 1,
    [`${key}/item/1`]: 1,
    [`${key}/item/2`]: 2,
    [`${key}/item/3`]: 2,
  })
})
