// DESIGN §1 and §7: a leader hands over in good order: jobs that it lacks, pages that are hidden.
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { ended, expectNothingUnhandled, triggerSteps } from '../support/page.js'
import { passThroughASlot, trigger } from '../support/runs.js'
import { epochOf, follows, leads, openTabs, statusOf, twoTabs } from '../support/tabs.js'
import { passForWebKit, setVisible } from '../support/visibility.js'

const FEWER = { page: 'fewer.html' } as const
const HIDDEN_MS = 30_000

const seesUnserved = (page: Page, jobs: readonly string[]) =>
  page.waitForFunction(
    (wanted) => window.stepwell.status.unservedJobs.join() === wanted,
    jobs.join(),
  )

/** For all tabs of the browser at once. An answer that is still owed would be one that did not come in all that time. */
async function passTime(tabs: readonly [Page, Page], ms: number): Promise<void> {
  for (const tab of tabs) await tab.evaluate(() => window.stepwell.getRuns({ limit: 1 }))
  await tabs[0].clock.runFor(ms)
}

test('a run of a job that the leader lacks: it is told in both tabs, and the tab that has it leads when nothing runs', async ({
  openPage,
  key,
  server,
}) => {
  const fewer = await openPage({ ...FEWER, concurrency: 2 })
  await leads(fewer)
  const whole = await openPage({ concurrency: 2 })
  await follows(whole)
  const busy = await triggerSteps(fewer, { key, count: 2, gateAt: 0 })
  await server.gate(key).reached()
  const id = await trigger(whole, 'extra', { key: `${key}-e` })
  for (const page of [fewer, whole]) await seesUnserved(page, ['extra'])
  // The other slot goes on being used.
  await passThroughASlot(whole)
  expect(await epochOf(whole)).toBe(1)

  server.gate(key).open()
  expect(await ended(whole, id)).toMatchObject({ status: 'completed', recoveries: 0, attempt: 1 })
  await leads(whole)
  await follows(fewer)
  for (const page of [fewer, whole]) await seesUnserved(page, [])
  // What ran was not moved.
  expect(await ended(fewer, busy)).toMatchObject({ status: 'completed', recoveries: 0 })
  expect(server.witness.counts(`${key}`)).toEqual({
    [`${key}/s-0`]: 1,
    [`${key}/s-1`]: 1,
    [`${key}-e/only`]: 1,
  })
  for (const page of [fewer, whole]) await expectNothingUnhandled(page)
})

test('it is handed to the tab that has the job, past others in the line; where none has it, nothing is', async ({
  openPage,
  key,
  server,
}) => {
  const whole = await openPage()
  // While this one has the slot, the other cannot start.
  await triggerSteps(whole, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  const id = await trigger(whole, 'extra', { key })
  await whole.close()
  server.gate(key).open()
  const [first, second] = await openTabs(openPage, 2, FEWER)
  if (first === undefined || second === undefined) throw new Error('there are two tabs')
  for (const page of [first, second]) await seesUnserved(page, ['extra'])
  await first.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
  expect(await statusOf(first)).toMatchObject({ role: 'leader', epoch: 2 })

  const third = await openPage()
  await leads(third)
  expect(await ended(second, id)).toMatchObject({ status: 'completed', recoveries: 0 })
  for (const page of [first, second]) await follows(page)
  // Whoever passed on the lead is still in the line.
  await third.close()
  await Promise.any([leads(first), leads(second)])
})

test('a page that runs jobs itself hands over when it is hidden for 30 s and nothing runs', async ({
  openPage,
  launchBrowser,
  profile,
  key,
  server,
}) => {
  const context = await launchBrowser(profile)
  const [leader, follower] = await twoTabs(openPage, { context, executor: 'page' })
  await leader.clock.install()
  const id = await triggerSteps(leader, { key, count: 2, gateAt: 0 })
  await server.gate(key).reached()
  await setVisible(leader, false)
  await passTime([leader, follower], HIDDEN_MS)
  // Something runs.
  expect(await statusOf(leader)).toMatchObject({ role: 'leader', epoch: 1 })
  server.gate(key).open()
  expect(await ended(follower, id)).toMatchObject({ status: 'completed', recoveries: 0 })
  expect(await statusOf(leader)).toMatchObject({ role: 'leader', epoch: 1 })
  await passTime([leader, follower], HIDDEN_MS)
  await leads(follower)
  await follows(leader)
  const next = await triggerSteps(leader, { key: `${key}-b`, count: 1 })
  expect(await ended(leader, next)).toMatchObject({ status: 'completed' })
  expect(server.witness.counts(`${key}/`)).toEqual({ [`${key}/s-0`]: 1, [`${key}/s-1`]: 1 })
})

test('a hidden leader goes on leading where its jobs run in a worker, and where nobody else is visible', async ({
  openPage,
  launchBrowser,
  profile,
}) => {
  const context = await launchBrowser(profile)
  for (const executor of ['worker', 'page'] as const) {
    const db = `hidden-${executor}`
    const [leader, follower] = await twoTabs(openPage, { context, executor, db })
    if (executor === 'page') await setVisible(follower, false)
    await leader.clock.install()
    await setVisible(leader, false)
    await passTime([leader, follower], 3 * HIDDEN_MS)
    await follower.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
    expect(await statusOf(leader)).toMatchObject({ role: 'leader', state: 'ready', epoch: 1 })
  }
})

test('where hidden pages are stopped without a word, a hidden one lets go, and comes back as a follower', async ({
  openPage,
  launchBrowser,
  profile,
  key,
  server,
}) => {
  const context = await launchBrowser(profile)
  await passForWebKit(context)
  const [leader, follower] = await twoTabs(openPage, { context })
  const id = await triggerSteps(leader, { key, count: 3, gateAt: 1 })
  await server.gate(key).reached()
  await setVisible(leader, false)
  await leads(follower)
  expect(await statusOf(leader)).toMatchObject({ role: 'none', state: 'connecting' })
  await server.gate(key).reached(2)
  server.gate(key).open()
  expect(await ended(follower, id)).toMatchObject({ status: 'completed', recoveries: 0 })

  // What is asked of it meanwhile is kept.
  await leader.evaluate(() => {
    window.kept = window.stepwell.triggerAndWait('quick', { count: 3 })
  })
  await setVisible(leader, true)
  await follows(leader)
  expect(await leader.evaluate(() => window.kept)).toMatchObject({ output: 3 })
  // And the follower that is hidden leaves the line.
  await setVisible(leader, false)
  await leader.waitForFunction(() => window.stepwell.status.role === 'none')
  await follower.close()
  await setVisible(leader, true)
  await leads(leader)
})
