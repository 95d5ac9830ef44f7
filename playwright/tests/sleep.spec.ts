// ACCEPTANCE G1: sleeps. How late they end is measured in bench; here it is only that they are never early.
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { ended, ready, runOf } from '../support/page.js'
import {
  cancel,
  eventsOf,
  passThroughASlot,
  stepsOf,
  trigger,
  untilOf,
  waiting,
} from '../support/runs.js'

/** Far more than a sleep is late on an idle machine, and far less than it would be if something polled. */
const LATE_MS_MAX = 1_000

/** How late a run's sleep ended, by the engine's clock. */
async function lateness(page: Page, runId: string): Promise<number> {
  const [wait] = await eventsOf(page, runId, 'step:wait')
  const end = (await eventsOf(page, runId, 'step:complete')).find(
    ({ stepKind }) => stepKind === 'sleep',
  )
  if (wait === undefined || end === undefined) throw new Error('it did not sleep')
  return end.timestamp - untilOf(wait.waitingFor)
}

for (const executor of ['worker', 'page'] as const) {
  test(`a sleep ends at its time and not before, without a slot, and the function goes on where it was: jobs in the ${executor}`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage({ executor, concurrency: 1 })
    const names = ['a', 'b', 'c']
    const ids = await Promise.all(
      names.map((name) => trigger(page, 'sleeper', { key: `${key}-${name}`, ms: 2_500 })),
    )
    for (const id of ids)
      expect(await waiting(page, id)).toMatchObject({ kind: 'sleep', stepName: 'nap' })
    // All three are asleep at once, and the one slot is free.
    await passThroughASlot(page)
    for (const [i, id] of ids.entries()) {
      expect(await ended(page, id)).toMatchObject({
        status: 'completed',
        output: 'awake',
        attempt: 1,
        recoveries: 0,
      })
      const [wait] = await eventsOf(page, id, 'step:wait')
      expect(
        untilOf(wait?.waitingFor ?? { kind: 'network', stepName: null }) - (wait?.timestamp ?? 0),
      ).toBe(2_500)
      const late = await lateness(page, id)
      expect(late).toBeGreaterThanOrEqual(0)
      expect(late).toBeLessThan(LATE_MS_MAX)
      const own = `${key}-${names[i]}`
      expect(server.witness.counts(own)).toEqual({
        [`${own}/code`]: 1,
        [`${own}/before`]: 1,
        [`${own}/after`]: 1,
      })
    }
  })
}

test('sleepUntil takes a Date or milliseconds, to the millisecond, and a time in the past is now', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  for (const isDate of [true, false]) {
    const until = Date.now() + 2_000
    const id = await trigger(page, 'sleeper', { key: `${key}-${isDate}`, until, isDate })
    expect(await ended(page, id)).toMatchObject({ status: 'completed' })
    const [wait] = await eventsOf(page, id, 'step:wait')
    expect(wait?.waitingFor).toEqual({ kind: 'sleep', stepName: 'nap', until })
    expect(await lateness(page, id)).toBeGreaterThanOrEqual(0)
  }
  const past = await trigger(page, 'sleeper', { key: `${key}-past`, until: 1 })
  expect(await ended(page, past)).toMatchObject({ status: 'completed' })
})

test('a sleep survives a reload and does not start over; what was done before it is not done again', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await trigger(page, 'sleeper', { key, ms: 5_000 })
  const before = await waiting(page, id)
  await page.reload()
  await ready(page)
  expect(await waiting(page, id)).toEqual(before)
  expect(await ended(page, id)).toMatchObject({ status: 'completed', recoveries: 0 })
  const end = (await eventsOf(page, id, 'step:complete')).find(({ stepName }) => stepName === 'nap')
  expect(end?.timestamp).toBeGreaterThanOrEqual(untilOf(before))
  // Not parked in this page: the function ran from its start, and its steps did not.
  expect(server.witness.counts(`${key}/`)).toEqual({
    [`${key}/code`]: 2,
    [`${key}/before`]: 1,
    [`${key}/after`]: 1,
  })
})

test('a sleep that ended while no page was open is over at once', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await trigger(page, 'sleeper', { key, ms: 3_000 })
  const wait = await waiting(page, id)
  await page.close()
  // Without a page of ours there is no condition to wait for but the time.
  await expect.poll(() => Date.now()).toBeGreaterThan(untilOf(wait))
  const again = await openPage()
  expect(await ended(again, id)).toMatchObject({ status: 'completed', output: 'awake' })
  expect(server.witness.count(`${key}/after`)).toBe(1)
})

test('a worker that dies takes what was parked in it along, and the run is replayed', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await trigger(page, 'sleeper', { key, ms: 4_000 })
  await waiting(page, id)
  await page.evaluate(() => window.killExecutor())
  await passThroughASlot(page)
  expect(await ended(page, id)).toMatchObject({ status: 'completed', recoveries: 0 })
  expect(server.witness.counts(`${key}/`)).toEqual({
    [`${key}/code`]: 2,
    [`${key}/before`]: 1,
    [`${key}/after`]: 1,
  })
})

test('an engine that crashes leaves a sleep as it was', async ({ openPage, key, server }) => {
  const page = await openPage()
  const id = await trigger(page, 'sleeper', { key, ms: 4_000 })
  const before = await waiting(page, id)
  const { epoch } = await page.evaluate(() => window.stepwell.status)
  await page.evaluate(() => window.crash('panic'))
  await page.waitForFunction((old) => window.stepwell.status.epoch !== old, epoch)
  expect(await waiting(page, id)).toEqual(before)
  expect(await ended(page, id)).toMatchObject({ status: 'completed' })
  expect(server.witness.count(`${key}/before`)).toBe(1)
  expect(server.witness.count(`${key}/after`)).toBe(1)
})

test('a sleep of two months does not end at once, and wakes nobody meanwhile', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const id = await trigger(page, 'sleeper', { key, ms: 60 * 86_400_000 })
  const wait = await waiting(page, id)
  const counters = () => page.evaluate(() => window.counters())
  const before = await counters()
  // Another run's sleep of a second ends meanwhile: that, and what starts it, is all that is committed.
  const other = await trigger(page, 'restful', { ms: 1_000 })
  await ended(page, other)
  const after = await counters()
  expect(after.steps - before.steps).toBe(1)
  expect(await waiting(page, id)).toEqual(wait)
  await cancel(page, id)
})

test('a run whose step is at work does not wait, whatever else it waits for', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await trigger(page, 'busy-sleeper', { key, ms: 300 })
  await server.gate(key).reached()
  await page.waitForFunction(
    (id) =>
      window.events.some(
        (event) => event.type === 'step:complete' && event.runId === id && event.stepName === 'nap',
      ),
    id,
  )
  expect(await runOf(page, id)).toMatchObject({ status: 'running' })
  expect((await stepsOf(page, id)).get('long')).toMatchObject({ status: 'waiting', kind: 'sleep' })
  server.gate(key).open()
  expect(await waiting(page, id)).toMatchObject({ kind: 'sleep', stepName: 'long' })
  expect(await cancel(page, id)).toMatchObject({ ok: true, value: { status: 'cancelled' } })
})

test('a run that sleeps is cancelled at once, and never wakes', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await trigger(page, 'sleeper', { key, ms: 3_000 })
  await waiting(page, id)
  expect(await cancel(page, id)).toMatchObject({ ok: true, value: { status: 'cancelled' } })
  // It falls asleep later, and sleeps as long.
  const other = await trigger(page, 'sleeper', { key: `${key}-other`, ms: 3_000 })
  expect(await ended(page, other)).toMatchObject({ status: 'completed' })
  await passThroughASlot(page)
  expect(await runOf(page, id)).toMatchObject({ status: 'cancelled' })
  expect(server.witness.count(`${key}/after`)).toBe(0)
})
