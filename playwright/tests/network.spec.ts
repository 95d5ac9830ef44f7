// `network: 'online'`: nothing is started offline, and no attempt is used for it.
import type { BrowserContext, Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { ended, ready, runOf } from '../support/page.js'
import { eventsOf, passThroughASlot, stepsOf, trigger, waiting } from '../support/runs.js'

/** Resolves when the page knows it. */
async function setOffline(context: BrowserContext, page: Page, isOffline: boolean): Promise<void> {
  // By the event: `navigator.onLine` is another before the client has heard of it.
  await page.evaluate(
    (type) => {
      window.kept = new Promise<void>((resolve) => {
        addEventListener(type, () => resolve(), { once: true })
      })
    },
    isOffline ? 'offline' : 'online',
  )
  await context.setOffline(isOffline)
  await page.evaluate(() => window.kept)
  await page.waitForFunction((isOnline) => navigator.onLine === isOnline, !isOffline)
}

for (const executor of ['worker', 'page'] as const) {
  test.describe(`jobs in the ${executor}`, () => {
    test('a step waits for the network without a slot, and uses no attempt', async ({
      openPage,
      launchBrowser,
      profile,
      key,
      server,
    }) => {
      const context = await launchBrowser(profile)
      const page = await openPage({ context, executor, concurrency: 1 })
      await ready(page)
      await setOffline(context, page, true)
      const id = await trigger(page, 'online-step', { key })
      expect(await waiting(page, id)).toEqual({ kind: 'network', stepName: 'fetch' })
      await passThroughASlot(page)
      expect((await stepsOf(page, id)).get('fetch')).toMatchObject({
        status: 'waiting',
        attempt: 0,
        waitingFor: { kind: 'network' },
      })
      expect(server.witness.count(`${key}/fetch`)).toBe(0)
      await setOffline(context, page, false)
      expect(await ended(page, id)).toMatchObject({
        status: 'completed',
        attempt: 1,
        recoveries: 0,
        output: { attempt: 1, times: 1 },
      })
    })

    test('an attempt that comes due offline waits, and is still the second one', async ({
      openPage,
      launchBrowser,
      profile,
      key,
      server,
    }) => {
      const context = await launchBrowser(profile)
      const page = await openPage({ context, executor })
      await ready(page)
      const id = await trigger(page, 'online-step', { key, failures: 1 })
      // Offline before the first attempt fails: however long this takes, no second one comes due before.
      await server.gate(key).reached()
      await setOffline(context, page, true)
      server.gate(key).open()
      await waiting(page, id, 'network')
      expect(server.witness.count(`${key}/fetch`)).toBe(1)
      const waits = async () =>
        (await eventsOf(page, id, 'run:wait')).map(({ waitingFor }) => waitingFor.kind)
      await expect.poll(waits).toEqual(['retry', 'network'])
      await setOffline(context, page, false)
      expect(await ended(page, id)).toMatchObject({
        status: 'completed',
        output: { attempt: 2, times: 2 },
      })
    })

    test('a job waits for the network before it starts, and goes on by itself', async ({
      openPage,
      launchBrowser,
      profile,
      key,
      server,
    }) => {
      const context = await launchBrowser(profile)
      const page = await openPage({ context, executor, concurrency: 1 })
      await ready(page)
      await setOffline(context, page, true)
      const id = await trigger(page, 'online-job', { key })
      expect(await waiting(page, id)).toEqual({ kind: 'network', stepName: null })
      await passThroughASlot(page)
      expect(await runOf(page, id)).toMatchObject({ status: 'waiting', attempt: 1 })
      expect(server.witness.count(`${key}/code`)).toBe(0)
      await setOffline(context, page, false)
      expect(await ended(page, id)).toMatchObject({
        status: 'completed',
        attempt: 1,
        recoveries: 0,
        output: { attempt: 1 },
      })
      expect(server.witness.count(`${key}/code`)).toBe(1)
      expect(await eventsOf(page, id, 'run:wait')).toHaveLength(1)
    })
  })
}

test('a page that is opened offline starts nothing that needs the network, until it is online', async ({
  openPage,
  launchBrowser,
  profile,
  key,
  server,
}) => {
  const context = await launchBrowser(profile)
  // Without the network there would be no page: so it is only told so.
  await context.addInitScript(() => {
    Object.defineProperty(navigator, 'onLine', { configurable: true, value: false })
  })
  const page = await openPage({ context })
  const id = await trigger(page, 'online-step', { key })
  expect(await waiting(page, id)).toEqual({ kind: 'network', stepName: 'fetch' })
  expect(server.witness.count(`${key}/fetch`)).toBe(0)
  await page.evaluate(() => {
    Object.defineProperty(navigator, 'onLine', { configurable: true, value: true })
    dispatchEvent(new Event('online'))
  })
  expect(await ended(page, id)).toMatchObject({ output: { attempt: 1, times: 1 } })
})

test('online, nothing waits for the network', async ({ openPage, key }) => {
  const page = await openPage()
  for (const job of ['online-step', 'online-job'] as const) {
    const id = await trigger(page, job, { key: `${key}-${job}` })
    expect(await ended(page, id)).toMatchObject({ status: 'completed' })
    expect(await eventsOf(page, id, 'run:wait')).toEqual([])
  }
})
