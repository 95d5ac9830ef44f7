// ACCEPTANCE J1, J2: what a follower has asked, and what was committed without an answer, has one effect.
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { ended, expectNothingUnhandled, runOf, triggerSteps } from '../support/page.js'
import { cancel, signal, trigger, waiting } from '../support/runs.js'
import { crashTab, epochOf, follows, leads, openTabs } from '../support/tabs.js'

declare global {
  interface Window {
    isSettled: boolean
  }
}

/** In which way a leader dies. */
const DEATHS: Readonly<Record<string, (leader: Page) => Promise<void>>> = {
  'its engine is terminated': (leader) => leader.evaluate(() => window.crash('terminate')),
  'its engine panics': (leader) => leader.evaluate(() => window.crash('panic')),
  'it is closed': (leader) => leader.close(),
  'it crashes': crashTab,
}

/** The runs that commands are about: one at work, and one each that is cancelled, completed, completed and waiting. */
async function prepare(page: Page, key: string, arrived: () => Promise<void>) {
  // A browser asks for one address only once at a time.
  const atWork = await trigger(page, 'steps', { key, count: 1, gateAt: 0 })
  const cancelled = await trigger(page, 'steps', { key: `${key}-c`, count: 1, gateAt: 0 })
  await arrived()
  await cancel(page, cancelled)
  const [toRepeat, toDelete] = await page.evaluate(async () => {
    const first = await window.stepwell.triggerAndWait('quick', { count: 1 })
    const second = await window.stepwell.triggerAndWait('quick', { count: 1 })
    return [first.id, second.id] as const
  })
  const asking = await trigger(page, 'approval', {
    key: `${key}-ask`,
    options: { key: `${key}-word` },
  })
  await waiting(page, asking)
  return { atWork, cancelled, toRepeat, toDelete, asking }
}

/** Sends one command of each kind that changes something, all in one message; what they come to is in `window.kept`. */
function sendAll(page: Page, key: string, runs: Awaited<ReturnType<typeof prepare>>) {
  return page.evaluate(
    ({ key, runs }) => {
      const { stepwell } = window
      window.deafTo = stepwell.status.epoch
      const input = (n: number) => ({ key: `${key}/${n}`, count: 1 })
      const blob = new Blob(['blob'])
      const file = new File(['file'], 'f.txt')
      const commands = {
        plain: stepwell.trigger('steps', input(0)),
        idempotent: stepwell.trigger('steps', input(1), { idempotencyKey: 'k' }),
        keyed: stepwell.trigger('steps', input(2), { concurrencyKey: 'c' }),
        batch: stepwell.batchTrigger('steps', [{ input: input(3) }, { input: input(4) }]),
        withFiles: stepwell.trigger('kept', { key: `${key}-kept`, file, blob, list: [] }),
        cancel: stepwell.cancel(runs.atWork),
        retry: stepwell.retry(runs.cancelled),
        retrigger: stepwell.retrigger(runs.toRepeat),
        deleteRun: stepwell.deleteRun(runs.toDelete),
        signal: stepwell.signal(`${key}-word`, 'yes'),
        read: stepwell.getRun(runs.toRepeat),
      }
      const outcomes = Object.entries(commands).map(
        async ([name, command]) => [name, await window.outcome<unknown>(command)] as const,
      )
      window.kept = Promise.all(outcomes).then(Object.fromEntries)
    },
    { key, runs },
  )
}

for (const [death, die] of Object.entries(DEATHS)) {
  for (const tabCount of death.startsWith('its engine') ? [2] : [2, 3]) {
    const next = tabCount === 2 ? '' : ' (another tab leads next)'
    test(`${death} between commit and answer: each command of a follower has one effect${next}`, async ({
      openPage,
      launchBrowser,
      profile,
      key,
      server,
    }) => {
      const context = await launchBrowser(profile)
      const options = { context, concurrency: 20, query: { lossy: '1' } }
      const tabs = await openTabs(openPage, tabCount, options)
      const [leader, follower] = [tabs[0], tabs.at(-1)]
      if (leader === undefined || follower === undefined) throw new Error('there are tabs')
      const runs = await prepare(follower, key, async () => {
        for (const gate of [key, `${key}-c`]) await server.gate(gate).reached()
      })
      const before = await epochOf(follower)
      await sendAll(follower, key, runs)
      // They have left in one message, and are carried out in the order of their calls; those with files a little later.
      await server.witness.reached(`${key}-kept/make`)
      await leader.waitForFunction(
        async (id) => (await window.stepwell.getRun(id)) === null,
        runs.toDelete,
      )
      // A step in flight in a leader that dies may run again: those of the new runs are committed.
      await leader.waitForFunction(async () => {
        const done = await window.stepwell.getRuns({ job: 'steps', status: 'completed' })
        return done.runs.length === 5
      })
      await die(leader)
      await follower.waitForFunction(
        (before) =>
          (window.stepwell.status.epoch ?? 0) > before && window.stepwell.status.state === 'ready',
        before,
      )
      const outcomes = await follower.evaluate(() => window.kept)
      expect(outcomes).toMatchObject({
        plain: { ok: true, value: { disposition: 'created' } },
        idempotent: { ok: true, value: { disposition: 'created' } },
        keyed: { ok: true, value: { disposition: 'created' } },
        batch: { ok: true, value: [{ disposition: 'created' }, { disposition: 'created' }] },
        withFiles: { ok: true, value: { disposition: 'created' } },
        cancel: { ok: true, value: { status: 'cancelled' } },
        retry: { ok: true, value: { id: runs.cancelled, attempt: 2 } },
        retrigger: { ok: true, value: { disposition: 'created' } },
        deleteRun: { ok: true },
        signal: { ok: true, value: { disposition: 'delivered' } },
        read: { ok: true, value: { id: runs.toRepeat } },
      })
      const { plain, idempotent, keyed, batch, withFiles, retrigger } = outcomes
      const made = [plain, idempotent, keyed, withFiles, retrigger].map(({ value }) => value.id)
      const all = [...made, ...batch.value.map(({ id }: { id: string }) => id)]

      for (const gate of [key, `${key}-c`, `${key}-kept`]) server.gate(gate).open()
      for (const id of [...all, runs.cancelled, runs.asking]) {
        expect(await ended(follower, id)).toMatchObject({ status: 'completed' })
      }
      expect(await runOf(follower, runs.atWork)).toMatchObject({ status: 'cancelled' })
      expect(await runOf(follower, runs.cancelled)).toMatchObject({ attempt: 2 })
      expect(await runOf(follower, runs.asking)).toMatchObject({
        output: { received: true, value: '"yes"' },
      })
      const listed = await follower.evaluate(() => window.stepwell.getRuns({ limit: 100 }))
      const before4 = [runs.atWork, runs.cancelled, runs.toRepeat, runs.asking]
      expect(listed.runs.map(({ id }) => id).sort()).toEqual([...all, ...before4].sort())
      for (let i = 0; i < 5; i++) expect(server.witness.count(`${key}/${i}/s-0`)).toBe(1)
      // The signal was not kept for a second wait.
      expect(await signal(follower, `${key}-word`, 'again')).toBe('kept')
      await expectNothingUnhandled(follower)
    })
  }
}

test('what is asked while nobody leads is carried out by the next leader', async ({
  openPage,
  key,
  server,
}) => {
  const [leader, second, third] = await openTabs(openPage, 3)
  if (leader === undefined || second === undefined || third === undefined) throw new Error('tabs')
  const open = (page: Page, n: number) =>
    page.evaluate(
      ({ key, n }) => {
        const triggers = Array.from({ length: 20 }, (_, i) =>
          window.stepwell.trigger('steps', { key: `${key}/${n}-${i}`, count: 1 }),
        )
        window.kept = Promise.all(triggers).then((all) => all.map(({ id }) => id))
      },
      { key, n },
    )
  // Some of them reach the old leader, some the new one, and some nobody at first.
  await Promise.all([leader.close(), open(second, 2), open(third, 3)])
  const ids: string[] = []
  for (const page of [second, third]) ids.push(...(await page.evaluate(() => window.kept)))
  await leads(second)
  await follows(third)
  expect(new Set(ids).size).toBe(40)
  for (const id of ids) expect(await ended(third, id)).toMatchObject({ status: 'completed' })
  const { runs } = await third.evaluate(() => window.stepwell.getRuns({ limit: 100 }))
  expect(runs).toHaveLength(40)
  // The step that the old leader had begun when it was closed, in its one slot, may have run again.
  const counts = Object.values(server.witness.counts(`${key}/`)).toSorted((a, b) => a - b)
  const last = counts.pop()
  expect(counts).toEqual(Array(39).fill(1))
  expect([1, 2]).toContain(last)
})

test('nobody leads for 30 s: what was sent has an unknown outcome, what was not was not carried out', async ({
  openPage,
  launchBrowser,
  profile,
  key,
}) => {
  const context = await launchBrowser(profile)
  const [leader, follower] = await openTabs(openPage, 2, { context, query: { lossy: '1' } })
  if (leader === undefined || follower === undefined) throw new Error('there are two tabs')
  // A page that takes the place after the leader, and opens no engine.
  const thief = await openPage({ context, db: `${key}-other` })
  await thief.evaluate((key) => {
    void navigator.locks.request(`stepwell:${key}:seat`, () => new Promise(() => undefined))
  }, key)
  // The follower queues behind it.
  await follower.evaluate(() => window.stepwell.close())
  await follower.reload()
  await follows(follower)
  await follower.clock.install()
  await triggerSteps(follower, { key, count: 1 })
  await follower.evaluate((key) => {
    window.deafTo = window.stepwell.status.epoch
    window.kept = window.outcome(window.stepwell.trigger('steps', { key: `${key}/a`, count: 1 }))
  }, key)
  await leader.waitForFunction(async () => (await window.stepwell.getRuns()).runs.length === 2)
  await leader.evaluate(() => window.stepwell.close())
  await follower.waitForFunction(() => window.stepwell.status.state === 'connecting')
  await follower.evaluate((key) => {
    const unsent = window.outcome(window.stepwell.trigger('steps', { key: `${key}/b`, count: 1 }))
    window.kept = Promise.all([window.kept, unsent])
  }, key)
  await follower.evaluate(() => {
    window.isSettled = false
    void window.kept.then(() => {
      window.isSettled = true
    })
  })
  // Again where a last word of the leader came in between: the 30 s begin with it.
  const settles = async () => {
    await follower.clock.runFor(40_000)
    return follower.evaluate(() => window.isSettled)
  }
  await expect.poll(settles).toBe(true)
  const outcomes = await follower.evaluate(() => window.kept)
  expect(outcomes).toMatchObject([
    { ok: false, code: 'outcome_unknown' },
    { ok: false, code: 'not_leader' },
  ])
  await thief.close()
  await leads(follower)
  const { runs } = await follower.evaluate(() => window.stepwell.getRuns())
  expect(runs).toHaveLength(2)
})
