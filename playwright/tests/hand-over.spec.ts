// A leader that lets go in good order gives what runs a second to come to the end of its step.
import { expect, test } from '../support/fixtures.js'
import { ended, ready, triggerSteps } from '../support/page.js'

test('a browser that stops hidden pages: a hidden leader lets the running step end, which is not run again', async ({
  openPage,
  sharedContext,
  address,
  key,
  server,
}) => {
  const leader = await sharedContext.newPage()
  await leader.addInitScript(() => {
    Object.defineProperty(navigator, 'vendor', { value: 'Apple Computer, Inc.' })
    Reflect.deleteProperty(Document.prototype, 'onfreeze')
    Object.defineProperty(document, 'visibilityState', {
      get: () => ('isHidden' in window ? 'hidden' : 'visible'),
    })
  })
  await leader.goto(address())
  await ready(leader)
  const follower = await openPage({ context: sharedContext })
  const id = await triggerSteps(follower, { key, count: 3, gateAt: 1 })
  await server.gate(key).reached()
  await leader.evaluate(() => {
    Object.assign(window, { isHidden: true })
    document.dispatchEvent(new Event('visibilitychange'))
  })
  expect(await leader.evaluate(() => window.stepwell.status.state)).toBe('connecting')
  server.gate(key).open()
  expect(await ended(follower, id)).toMatchObject({ status: 'completed', recoveries: 0 })
  await follower.waitForFunction(() => window.stepwell.status.role === 'leader')
  expect(server.witness.counts(`${key}/`)).toEqual({
    [`${key}/s-0`]: 1,
    [`${key}/s-1`]: 1,
    [`${key}/s-2`]: 1,
  })
  await leader.evaluate(() => {
    Reflect.deleteProperty(window, 'isHidden')
    document.dispatchEvent(new Event('visibilitychange'))
  })
  await leader.waitForFunction(() => window.stepwell.status.role === 'follower')
  expect(await leader.evaluate((id) => window.stepwell.getRun(id), id)).toMatchObject({
    status: 'completed',
  })
  await leader.close()
})

test('close() does not wait for a step that takes longer, and its run goes on elsewhere, uncounted', async ({
  openPage,
  sharedContext,
  key,
  server,
}) => {
  const leader = await openPage({ context: sharedContext })
  await ready(leader)
  const follower = await openPage({ context: sharedContext })
  const id = await triggerSteps(follower, { key, count: 3, gateAt: 1 })
  await server.gate(key).reached()
  await leader.evaluate(() => window.stepwell.close())
  await server.gate(key).reached(2)
  server.gate(key).open()
  expect(await ended(follower, id)).toMatchObject({ status: 'completed', recoveries: 0 })
  expect(server.witness.count(`${key}/s-0`)).toBe(1)
  expect(server.witness.count(`${key}/s-2`)).toBe(1)
})
