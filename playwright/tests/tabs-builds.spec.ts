// ACCEPTANCE J3: two builds at once. A page of `newer/` is of a build whose protocol is one further.
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { ended, expectNothingUnhandled, ready, runOf, triggerSteps } from '../support/page.js'
import { follows, leads, statusOf } from '../support/tabs.js'

const NEWER = { page: 'newer/index.html' } as const

/** Waits until a tab says that the builds do not fit. */
const isRefused = (page: Page) => ready(page, 'unavailable')

const ask = (page: Page) =>
  page.evaluate(async () => {
    const { stepwell, outcome } = window
    const outcomes = await Promise.all([
      outcome(stepwell.trigger('quick', { count: 1 })),
      outcome(stepwell.getRuns()),
      outcome(stepwell.exportDatabase()),
    ])
    return outcomes.map((each) => (each.ok ? 'done' : each.code))
  })

test('an older tab leads: it works on and is told to be reloaded; the newer one waits, and leads after it', async ({
  openPage,
  key,
  server,
}) => {
  const older = await openPage()
  await leads(older)
  const id = await triggerSteps(older, { key, count: 3, gateAt: 1 })
  await server.gate(key).reached()
  const newer = await openPage(NEWER)
  await isRefused(newer)
  expect(await statusOf(newer)).toMatchObject({
    role: 'follower',
    state: 'unavailable',
    epoch: null,
    code: 'protocol_mismatch',
    message: expect.stringMatching(/Reload or close the other tab/),
  })
  expect(await ask(newer)).toEqual(Array(3).fill('protocol_mismatch'))
  // Nothing of the newer build has touched the database: it has no engine.
  expect(newer.workers()).toEqual([])

  await older.waitForFunction(() => window.stepwell.status.error !== null)
  expect(await statusOf(older)).toMatchObject({
    role: 'leader',
    state: 'ready',
    epoch: 1,
    code: 'protocol_mismatch',
    message: expect.stringMatching(/Reload this tab/),
  })
  const told = () =>
    older.evaluate(() =>
      window.events.flatMap((event) => (event.type === 'engine:error' ? [event.error.code] : [])),
    )
  await expect.poll(told).toEqual(['protocol_mismatch'])
  server.gate(key).open()
  expect(await ended(older, id)).toMatchObject({ status: 'completed', recoveries: 0 })
  expect(await ask(older)).toEqual(Array(3).fill('done'))
  expect((await statusOf(older)).epoch).toBe(1)

  await older.close()
  await leads(newer)
  expect(await statusOf(newer)).toMatchObject({ epoch: 2, code: undefined })
  expect(await runOf(newer, id)).toMatchObject({ status: 'completed' })
  expect(await ask(newer)).toEqual(Array(3).fill('done'))
  await expectNothingUnhandled(newer)
})

test('a newer tab leads: an older one is told to be reloaded, and follows when it is', async ({
  openPage,
  address,
}) => {
  const newer = await openPage(NEWER)
  await leads(newer)
  const older = await openPage()
  await isRefused(older)
  expect(await statusOf(older)).toMatchObject({
    role: 'follower',
    code: 'protocol_mismatch',
    message: expect.stringMatching(/Reload this tab/),
  })
  expect(await ask(older)).toEqual(Array(3).fill('protocol_mismatch'))
  expect(await ask(newer)).toEqual(Array(3).fill('done'))
  expect(await statusOf(newer)).toMatchObject({ role: 'leader', epoch: 1, code: undefined })

  await older.goto(address(NEWER))
  await follows(older)
  expect(await ask(older)).toEqual(Array(3).fill('done'))
  expect((await newer.evaluate(() => window.stepwell.getRuns())).runs).toHaveLength(2)
})

test('older tabs work on among each other while a newer one waits', async ({ openPage, key }) => {
  const leader = await openPage()
  await leads(leader)
  const newer = await openPage(NEWER)
  await isRefused(newer)
  const follower = await openPage()
  await follows(follower)
  const id = await triggerSteps(follower, { key, count: 2 })
  expect(await ended(follower, id)).toMatchObject({ status: 'completed' })
  // The newer one is the next in line.
  await leader.close()
  await leads(newer)
  await isRefused(follower)
  expect(await statusOf(follower)).toMatchObject({ code: 'protocol_mismatch' })
  expect(await runOf(newer, id)).toMatchObject({ status: 'completed' })
})
