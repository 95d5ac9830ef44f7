// ACCEPTANCE J4: a tab in the back/forward cache blocks nobody, and works again when it comes back.
import { expect, test } from '../support/fixtures.js'
import { ended, runOf, triggerSteps } from '../support/page.js'
import { comeBack, follows, goAway, leads, twoTabs } from '../support/tabs.js'

test('the leader goes into the back/forward cache: the second tab takes over, and coming back follows', async ({
  openPage,
  launchBrowser,
  profile,
  key,
  server,
}) => {
  const context = await launchBrowser(profile, { bfcache: true })
  const [leader, follower] = await twoTabs(openPage, { context })
  const id = await triggerSteps(leader, { key, count: 3, gateAt: 1 })
  await server.gate(key).reached()
  await goAway(leader)
  await leads(follower)
  await server.gate(key).reached(2)
  server.gate(key).open()
  expect(await ended(follower, id)).toMatchObject({ status: 'completed' })
  expect(server.witness.count(`${key}/s-0`)).toBe(1)

  // On a busy machine its terminated worker may hold its lock for a moment longer than the next leader takes to ask for it.
  await comeBack(leader, 'weblocks-contention')
  await follows(leader)
  expect(await runOf(leader, id)).toMatchObject({ status: 'completed' })
  const next = await triggerSteps(leader, { key: `${key}-b`, count: 1 })
  expect(await ended(leader, next)).toMatchObject({ status: 'completed' })
  await follower.close()
  await leads(leader)
  expect(await runOf(leader, id)).toMatchObject({ status: 'completed' })
})

test('a follower goes into the back/forward cache: the leader works on, and coming back follows', async ({
  openPage,
  launchBrowser,
  profile,
  key,
  server,
}) => {
  const context = await launchBrowser(profile, { bfcache: true })
  const [leader, follower] = await twoTabs(openPage, { context })
  const id = await triggerSteps(follower, { key, count: 2, gateAt: 1 })
  await server.gate(key).reached()
  await goAway(follower)
  server.gate(key).open()
  // Its messages of now are lost on it: it reads anew when it is back.
  expect(await ended(leader, id)).toMatchObject({ status: 'completed', recoveries: 0 })
  await comeBack(follower)
  await follows(follower)
  expect(await runOf(follower, id)).toMatchObject({ status: 'completed' })
  const next = await triggerSteps(follower, { key: `${key}-b`, count: 1 })
  expect(await ended(follower, next)).toMatchObject({ status: 'completed' })
  expect(await leader.evaluate(() => window.stepwell.status.epoch)).toBe(1)
  expect(server.witness.counts(`${key}/`)).toEqual({ [`${key}/s-0`]: 1, [`${key}/s-1`]: 1 })
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
  await leads(page)
  server.gate(key).open()
  expect(await ended(page, id)).toMatchObject({ status: 'completed' })
  expect(server.witness.count(`${key}/s-0`)).toBe(1)
})
