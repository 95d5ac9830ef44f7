// ACCEPTANCE J2: of several tabs one leads at a time, and another takes over when it goes.
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { ended, runOf, triggerSteps } from '../support/page.js'
import { crashTab, follows, freeze, leads, openTabs, thaw, twoTabs } from '../support/tabs.js'

test('the leader is closed: the second tab takes over and the run goes on', async ({
  openPage,
  key,
  server,
}) => {
  const [leader, follower] = await twoTabs(openPage)
  const id = await triggerSteps(leader, { key, count: 3, gateAt: 1 })
  await server.gate(key).reached()
  await leader.close()
  await leads(follower)
  await server.gate(key).reached(2)
  server.gate(key).open()
  expect(await ended(follower, id)).toMatchObject({ status: 'completed' })
  expect(server.witness.count(`${key}/s-0`)).toBe(1)
})

test('the leader closes its client: the second tab takes over', async ({
  openPage,
  key,
  server,
}) => {
  const [leader, follower] = await twoTabs(openPage)
  const id = await triggerSteps(leader, { key, count: 2, gateAt: 1 })
  await server.gate(key).reached()
  await leader.evaluate(() => window.stepwell.close())
  await leads(follower)
  server.gate(key).open()
  expect(await ended(follower, id)).toMatchObject({ status: 'completed', recoveries: 0 })
})

test('a follower closes its client, or is closed: the leader works on', async ({
  openPage,
  key,
  server,
}) => {
  const [leader, first, second] = await openTabs(openPage, 3)
  if (leader === undefined || first === undefined || second === undefined) throw new Error('tabs')
  const id = await triggerSteps(first, { key, count: 2, gateAt: 1 })
  await server.gate(key).reached()
  await first.evaluate(() => window.stepwell.close())
  await second.close()
  server.gate(key).open()
  expect(await ended(leader, id)).toMatchObject({ status: 'completed', recoveries: 0 })
  expect(server.witness.count(`${key}/s-1`)).toBe(1)
  expect(await leader.evaluate(() => window.stepwell.status)).toMatchObject({
    role: 'leader',
    epoch: 1,
  })
})

test('the leader crashes: the second tab takes over and the run goes on', async ({
  openPage,
  launchBrowser,
  profile,
  key,
  server,
}) => {
  const context = await launchBrowser(profile)
  const [leader, follower] = await twoTabs(openPage, { context })
  const id = await triggerSteps(leader, { key, count: 3, gateAt: 1 })
  await server.gate(key).reached()
  await crashTab(leader)
  await leads(follower)
  await server.gate(key).reached(2)
  server.gate(key).open()
  expect(await ended(follower, id)).toMatchObject({ status: 'completed' })
  expect(server.witness.count(`${key}/s-0`)).toBe(1)
})

test('a frozen leader hands over, and does nothing for its old run when it thaws', async ({
  openPage,
  key,
  server,
}) => {
  const [leader, follower] = await twoTabs(openPage)
  const id = await triggerSteps(leader, { key, count: 3, gateAt: 1 })
  await server.gate(key).reached()
  await freeze(leader)
  await leads(follower)
  await server.gate(key).reached(2)
  await thaw(leader)
  server.gate(key).open()
  expect(await ended(follower, id)).toMatchObject({ status: 'completed', recoveries: 0 })
  await follows(leader)
  expect(await runOf(leader, id)).toMatchObject({ status: 'completed' })
  expect(server.witness.counts(`${key}/`)).toEqual({
    [`${key}/s-0`]: 1,
    [`${key}/s-1`]: 2,
    [`${key}/s-2`]: 1,
  })
})

test('of five tabs one leads at a time, whichever closes, and no step runs in two of them', async ({
  openPage,
  key,
  server,
}) => {
  const tabs: Page[] = await openTabs(openPage, 5)
  const last = tabs.at(-1)
  if (last === undefined) throw new Error('no tab')
  // The last tab asks for it, watches over four leaders, and leads in the end.
  const id = await last.evaluate(
    async (key) => (await window.stepwell.trigger('stubborn', { key, count: 5 })).id,
    key,
  )
  for (const [i, tab] of tabs.entries()) {
    await server.gate(`${key}-${i}`).reached()
    if (tab === last) break
    await tab.close()
    await server.gate(`${key}-${i}`).reached(2)
    // The step may run before the page has been told that its engine is ready.
    const leading = async () => {
      const roles = await Promise.all(
        tabs.slice(i + 1).map((page) => page.evaluate(() => window.stepwell.status.role)),
      )
      return roles.filter((role) => role === 'leader').length
    }
    await expect.poll(leading).toBe(1)
    server.gate(`${key}-${i}`).open()
  }
  server.gate(`${key}-4`).open()
  await leads(last)
  expect(await ended(last, id)).toMatchObject({ status: 'completed', output: 5 })
  expect(Object.values(server.witness.counts(`${key}/s-`))).toEqual([2, 2, 2, 2, 1])
})
