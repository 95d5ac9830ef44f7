// ACCEPTANCE J2 (as far as followers go for now), J4: several tabs of one origin.
import type { BrowserContext, Page } from '@playwright/test'
import { expect, type OpenPage, test } from '../support/fixtures.js'
import { ended, expectNothingUnhandled, ready, runOf, triggerSteps } from '../support/page.js'

/** Two tabs of a browser that caches pages as browsers do: the first leads. */
async function twoTabs(
  openPage: OpenPage,
  context: BrowserContext,
): Promise<readonly [Page, Page]> {
  const leader = await openPage({ context })
  await ready(leader)
  const follower = await openPage({ context })
  await becomesFollower(follower)
  return [leader, follower]
}

async function becomesFollower(page: Page): Promise<void> {
  await page.evaluate(() => window.outcome(window.stepwell.getRuns({ limit: 1 })))
  await page.waitForFunction(() => window.stepwell.status.role === 'follower')
}

async function takesOver(page: Page): Promise<void> {
  await page.waitForFunction(
    () => window.stepwell.status.role === 'leader' && window.stepwell.status.state === 'ready',
  )
}

/** By a link, as a visitor does. */
async function goAway(page: Page): Promise<void> {
  await page.evaluate(() => Object.assign(window, { wasHere: true }))
  await page.click('#away')
  await page.waitForURL('**/plain')
}

/** By the back button. A page that comes out of the cache fires no `load`, and is the one that was left. */
/** @param allowed why Chromium may have dropped the page from its cache, beside none at all. */
async function comeBack(page: Page, allowed?: string): Promise<void> {
  await page.goBack({ waitUntil: 'commit' })
  await page.waitForFunction(() => 'stepwell' in window)
  const found = await page.evaluate(() => ({
    wasHere: 'wasHere' in window,
    reasons: JSON.stringify(performance.getEntriesByType('navigation')),
  }))
  if (allowed !== undefined && found.reasons.includes(`"reason":"${allowed}"`)) return
  // Else the page was loaded anew, and nothing was tested here.
  expect(found.wasHere, found.reasons).toBe(true)
}

test('a second tab is a follower, and its commands say that they were not sent', async ({
  openPage,
  sharedContext,
  key,
}) => {
  const [leader, follower] = await twoTabs(openPage, sharedContext)
  const outcomes = await follower.evaluate(async (key) => {
    const id = '01900000-0000-7000-8000-000000000000'
    return Promise.all([
      window.outcome(window.stepwell.trigger('steps', { key, count: 1 })),
      window.outcome(window.stepwell.triggerAndWait('quick', { count: 1 })),
      window.outcome(window.stepwell.getRun(id)),
      window.outcome(window.stepwell.getRuns()),
      window.outcome(window.stepwell.getSteps(id)),
      window.outcome(window.stepwell.getLogs(id)),
      window.outcome(window.stepwell.waitForRun(id)),
      window.outcome(window.stepwell.cancel(id)),
      window.outcome(window.stepwell.retry(id)),
    ])
  }, key)
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({
      ok: false,
      code: 'not_leader',
      message: expect.stringMatching(/tab/),
    })
  }
  expect(await leader.evaluate(() => window.stepwell.getRuns())).toEqual({
    runs: [],
    nextCursor: null,
  })
  expect(await leader.evaluate(() => window.stepwell.status.role)).toBe('leader')
  await expectNothingUnhandled(follower)
})

test('the leader is closed: the second tab takes over and the run goes on', async ({
  openPage,
  sharedContext,
  key,
  server,
}) => {
  const [leader, follower] = await twoTabs(openPage, sharedContext)
  const id = await triggerSteps(leader, { key, count: 3, gateAt: 1 })
  await server.gate(key).reached()
  await leader.close()
  await takesOver(follower)
  await server.gate(key).reached(2)
  server.gate(key).open()
  expect(await ended(follower, id)).toMatchObject({ status: 'completed' })
  expect(server.witness.count(`${key}/s-0`)).toBe(1)
})

test('the leader closes its client: the second tab takes over', async ({
  openPage,
  sharedContext,
  key,
  server,
}) => {
  const [leader, follower] = await twoTabs(openPage, sharedContext)
  const id = await triggerSteps(leader, { key, count: 2, gateAt: 1 })
  await server.gate(key).reached()
  await leader.evaluate(() => window.stepwell.close())
  await takesOver(follower)
  server.gate(key).open()
  expect(await ended(follower, id)).toMatchObject({ status: 'completed' })
})

test('the leader goes into the back/forward cache: the second tab takes over, and coming back follows', async ({
  openPage,
  launchBrowser,
  profile,
  key,
  server,
}) => {
  const context = await launchBrowser(profile, { bfcache: true })
  const [leader, follower] = await twoTabs(openPage, context)
  const id = await triggerSteps(leader, { key, count: 3, gateAt: 1 })
  await server.gate(key).reached()
  await goAway(leader)
  await takesOver(follower)
  await server.gate(key).reached(2)
  server.gate(key).open()
  expect(await ended(follower, id)).toMatchObject({ status: 'completed' })
  expect(server.witness.count(`${key}/s-0`)).toBe(1)

  // On a busy machine its terminated worker may hold its lock for a moment longer than the next leader takes to ask for it.
  await comeBack(leader, 'weblocks-contention')
  await leader.waitForFunction(() => window.stepwell.status.role === 'follower')
  expect(await leader.evaluate(() => window.outcome(window.stepwell.getRuns()))).toMatchObject({
    ok: false,
    code: 'not_leader',
  })
  await follower.close()
  await takesOver(leader)
  expect(await runOf(leader, id)).toMatchObject({ status: 'completed' })
})

test('a page that comes back from the cache with nobody else there leads again', async ({
  openPage,
  launchBrowser,
  profile,
  key,
  server,
}) => {
  const context = await launchBrowser(profile, { bfcache: true })
  const page = await openPage({ context })
  const id = await triggerSteps(page, { key, count: 2, gateAt: 1 })
  await server.gate(key).reached()
  await goAway(page)
  await comeBack(page)
  await takesOver(page)
  server.gate(key).open()
  expect(await ended(page, id)).toMatchObject({ status: 'completed' })
  expect(server.witness.count(`${key}/s-0`)).toBe(1)
})

test('the leader crashes: the second tab takes over and the run goes on', async ({
  openPage,
  launchBrowser,
  profile,
  key,
  server,
}) => {
  const context = await launchBrowser(profile)
  const [leader, follower] = await twoTabs(openPage, context)
  const id = await triggerSteps(leader, { key, count: 3, gateAt: 1 })
  await server.gate(key).reached()
  const session = await context.newCDPSession(leader)
  const crashed = new Promise((resolve) => leader.once('crash', resolve))
  session.send('Page.crash').catch(() => undefined)
  await crashed
  await takesOver(follower)
  await server.gate(key).reached(2)
  server.gate(key).open()
  expect(await ended(follower, id)).toMatchObject({ status: 'completed' })
  expect(server.witness.count(`${key}/s-0`)).toBe(1)
})

test('a frozen leader hands over, and does nothing for its old run when it thaws', async ({
  openPage,
  sharedContext,
  key,
  server,
}) => {
  const [leader, follower] = await twoTabs(openPage, sharedContext)
  const id = await triggerSteps(leader, { key, count: 3, gateAt: 1 })
  await server.gate(key).reached()
  // Chromium freezes hidden pages only, and Playwright keeps all pages visible.
  await leader.evaluate(() => document.dispatchEvent(new Event('freeze')))
  await takesOver(follower)
  await server.gate(key).reached(2)
  await leader.evaluate(() => document.dispatchEvent(new Event('resume')))
  server.gate(key).open()
  expect(await ended(follower, id)).toMatchObject({ status: 'completed', recoveries: 0 })
  await leader.waitForFunction(() => window.stepwell.status.role === 'follower')
  expect(server.witness.counts(`${key}/`)).toEqual({
    [`${key}/s-0`]: 1,
    [`${key}/s-1`]: 2,
    [`${key}/s-2`]: 1,
  })
})

test('of five tabs one leads at a time, whichever closes, and no step runs in two of them', async ({
  openPage,
  sharedContext,
  key,
  server,
}) => {
  const tabs: Page[] = []
  for (let i = 0; i < 5; i++) {
    const page = await openPage({ context: sharedContext })
    if (i === 0) await ready(page)
    else await becomesFollower(page)
    tabs.push(page)
  }
  const [first] = tabs
  if (first === undefined) throw new Error('no tab')
  const id = await first.evaluate(
    async (key) => (await window.stepwell.trigger('stubborn', { key, count: 5 })).id,
    key,
  )
  for (const [i, tab] of tabs.entries()) {
    await server.gate(`${key}-${i}`).reached()
    const last = tabs.at(-1)
    if (i === tabs.length - 1 || last === undefined) break
    await tab.close()
    await server.gate(`${key}-${i}`).reached(2)
    const roles = await Promise.all(
      tabs.slice(i + 1).map((page) => page.evaluate(() => window.stepwell.status.role)),
    )
    expect(roles.filter((role) => role === 'leader')).toHaveLength(1)
    server.gate(`${key}-${i}`).open()
  }
  server.gate(`${key}-4`).open()
  const last = tabs.at(-1)
  if (last === undefined) throw new Error('no tab')
  await takesOver(last)
  expect(await ended(last, id)).toMatchObject({ status: 'completed', output: 5 })
  expect(Object.values(server.witness.counts(`${key}/s-`))).toEqual([2, 2, 2, 2, 1])
})
