import { expect, test } from '../support/fixtures.js'
import { ended, triggerSteps } from '../support/page.js'
import { leads, twoTabs } from '../support/tabs.js'

test('a waiting tab keeps an engine worker ready, and leads with it when the leader is closed', async ({
  openPage,
  key,
  server,
}) => {
  const [leader, follower] = await twoTabs(openPage, { query: { standby: '1' } })
  await expect.poll(() => follower.workers().length).toBe(1)
  const [standby] = follower.workers()
  const id = await triggerSteps(follower, { key, count: 3, gateAt: 1 })
  await server.gate(key).reached()
  await leader.close()
  await leads(follower)
  expect(follower.workers()).toContain(standby)
  await server.gate(key).reached(2)
  // It, and that of the jobs.
  await expect.poll(() => follower.workers().length).toBe(2)
  server.gate(key).open()
  expect(await ended(follower, id)).toMatchObject({ status: 'completed' })
  expect(server.witness.counts(`${key}/`)).toEqual({
    [`${key}/s-0`]: 1,
    [`${key}/s-1`]: 2,
    [`${key}/s-2`]: 1,
  })
})
