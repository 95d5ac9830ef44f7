// Several executors, several runs in one executor, and limits of jobs. ACCEPTANCE C4 and C7 where runs overlap.
import type { Page } from '@playwright/test'
import type { TestServer } from '../server/server.mjs'
import { expect, test } from '../support/fixtures.js'
import { ended, eventTypes, ready, runOf } from '../support/page.js'

/** Triggers one run of `placed` or `limited` a name; their ids. */
function trigger(page: Page, job: 'placed' | 'limited', key: string, names: readonly string[]) {
  return page.evaluate(
    async ({ job, key, names }) => {
      const triggered = names.map((name) => window.stepwell.trigger(job, { key, name }))
      return (await Promise.all(triggered)).map(({ id }) => id)
    },
    { job, key, names },
  )
}

/** By run's name, the places where its body was started, in order. */
function placesOf(server: TestServer, key: string): Map<string, string[]> {
  const places = new Map<string, string[]>()
  for (const arrival of server.witness.arrivals(`${key}/`)) {
    const [, name = '', place = ''] = arrival.key.split('/')
    places.set(name, [...(places.get(name) ?? []), place])
  }
  return places
}

const namesOf = (count: number) => Array.from({ length: count }, (_, i) => `n${i}`)

function openGates(server: TestServer, key: string, names: readonly string[]): void {
  for (const name of names) server.gate(`${key}-${name}`).open()
}

async function crashEngine(page: Page): Promise<void> {
  const { epoch } = await page.evaluate(() => window.stepwell.status)
  await page.evaluate(() => window.crash('panic'))
  await page.waitForFunction((old) => window.stepwell.status.epoch !== old, epoch)
  await ready(page)
}

test('two workers of eight slots each share 16 runs, all of them at once', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ executors: 2, concurrency: 8 })
  const names = namesOf(16)
  const ids = await trigger(page, 'placed', key, names)
  await server.witness.reached(`${key}/`, 16)
  const places = placesOf(server, key)
  const counts = new Map<string, number>()
  for (const [place = ''] of places.values()) counts.set(place, (counts.get(place) ?? 0) + 1)
  expect([...counts.values()]).toEqual([8, 8])
  openGates(server, key, names)
  for (const [i, id] of ids.entries()) {
    const output = places.get(`n${i}`)?.[0]
    expect(await ended(page, id)).toMatchObject({ status: 'completed', output, recoveries: 0 })
  }
  expect(server.witness.arrivals(`${key}/`)).toHaveLength(16)
})

test('a worker that crashes is replaced alone: its runs resume, and those of the other go on', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ executors: 2, concurrency: 2 })
  const names = namesOf(4)
  const ids = await trigger(page, 'placed', key, names)
  await server.witness.reached(`${key}/`, 4)
  const before = placesOf(server, key)
  await page.evaluate(() => window.killExecutor(0))
  await server.witness.reached(`${key}/`, 6)
  openGates(server, key, names)
  const runs = await Promise.all(ids.map((id) => ended(page, id)))

  const after = placesOf(server, key)
  const moved = names.filter((name) => after.get(name)?.length === 2)
  const [dead, alive] = [true, false].map((hasMoved) => {
    const those = names.filter((name) => moved.includes(name) === hasMoved)
    return new Set(those.map((name) => before.get(name)?.[0]))
  })
  expect(moved).toHaveLength(2)
  expect(dead?.size).toBe(1)
  expect(alive?.size).toBe(1)
  expect(dead).not.toEqual(alive)
  for (const [i, run] of runs.entries()) {
    const name = `n${i}`
    const hasMoved = moved.includes(name)
    const output = after.get(name)?.at(-1)
    expect(run).toMatchObject({ status: 'completed', output })
    const resumes = (await eventTypes(page, run.id)).filter((type) => type === 'run:resume')
    expect(resumes).toHaveLength(hasMoved ? 1 : 0)
  }
  expect(server.witness.arrivals(`${key}/`)).toHaveLength(6)
  expect(await page.evaluate(() => window.stepwell.status.error)).toBeNull()
})

test('where no new worker can be made, the others take over its runs, and the status says why', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ executors: 2, concurrency: 2, spawnsMax: 2 })
  const names = namesOf(4)
  const ids = await trigger(page, 'placed', key, names)
  await server.witness.reached(`${key}/`, 4)
  await page.evaluate(() => window.killExecutor(1))
  await page.waitForFunction(() =>
    window.stepwell.status.error?.message.startsWith('The option worker of createStepwell threw'),
  )
  // The two of the other worker hold its slots: first they end, then the dead one's runs come to it.
  openGates(server, key, names)
  const outputs = await Promise.all(ids.map(async (id) => (await ended(page, id)).output))
  expect(new Set(outputs).size).toBe(1)
  expect(server.witness.arrivals(`${key}/`)).toHaveLength(6)
  await page.evaluate(() => {
    window.spawnsMax = 3
  })
  await page.waitForFunction(() => window.stepwell.status.error === null)
})

test('when an engine crashes, runs of several executors are adopted, and no body runs twice', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ executors: 3, concurrency: 1 })
  const names = namesOf(3)
  const ids = await trigger(page, 'placed', key, names)
  await server.witness.reached(`${key}/`, 3)
  await crashEngine(page)
  openGates(server, key, names)
  for (const id of ids) expect(await ended(page, id)).toMatchObject({ status: 'completed' })
  expect(server.witness.arrivals(`${key}/`)).toHaveLength(3)
})

test('a restarted engine waits for the executor whose thread is busy before an idle one may claim', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ executors: 2 })
  const id = await page.evaluate(
    // Less than the second for which the engine waits.
    async (key) => (await window.stepwell.trigger('blocking', { key, ms: 600 })).id,
    key,
  )
  await server.witness.reached(`${key}/blocking`)
  await crashEngine(page)
  expect(await ended(page, id)).toMatchObject({ status: 'completed' })
  expect(server.witness.count(`${key}/blocking`)).toBe(1)
})

test("a job's limit holds over all executors, while other jobs go on", async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ executors: 2, concurrency: 3 })
  const arrived = () => server.witness.arrivals(`${key}/limited`).length
  const limitedNames = namesOf(5).map((name) => `limited-${name}`)
  const others = namesOf(4).map((name) => `other-${name}`)
  const ids = await trigger(page, 'limited', key, limitedNames)
  const otherIds = await trigger(page, 'placed', key, others)
  await server.witness.reached(`${key}/limited`, 2)
  await server.witness.reached(`${key}/other`, 4)
  openGates(server, key, others)
  for (const id of otherIds) await ended(page, id)
  // Four slots are free, and claims were made since: two of the job are at work all the same.
  const claimOthers = () =>
    page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 2 }))
  for (let i = 0; i < limitedNames.length; i++) {
    const expected = Math.min(i + 2, limitedNames.length)
    await server.witness.reached(`${key}/limited`, expected)
    await claimOthers()
    expect(arrived()).toBe(expected)
    const running = await page.evaluate(() => window.stepwell.getRuns({ status: 'running' }))
    expect(running.runs).toHaveLength(Math.min(2, limitedNames.length - i))
    const name = server.witness.arrivals(`${key}/limited`)[i]?.key.split('/')[1] ?? ''
    openGates(server, key, [name])
    await ended(page, ids[limitedNames.indexOf(name)] ?? '')
  }
})

test('a page with four slots works on four runs at once', async ({ openPage, key, server }) => {
  const page = await openPage({ executor: 'page', concurrency: 4 })
  const names = namesOf(5)
  const ids = await trigger(page, 'placed', key, names)
  await server.witness.reached(`${key}/`, 4)
  await page.evaluate(() => window.stepwell.getRuns())
  expect(server.witness.arrivals(`${key}/`)).toHaveLength(4)
  expect(new Set([...placesOf(server, key).values()].flat()).size).toBe(1)
  openGates(server, key, names)
  for (const id of ids) expect(await ended(page, id)).toMatchObject({ status: 'completed' })
})

for (const executor of ['worker', 'page'] as const) {
  test(`parallel steps of runs that overlap in a ${executor} keep distinct indices, and their logs name the right step`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage({ executor, concurrency: 2 })
    const keys = [`${key}-x`, `${key}-y`]
    const ids = await page.evaluate(async (keys) => {
      const triggered = keys.map((key) => window.stepwell.trigger('parallel', { key }))
      return (await Promise.all(triggered)).map(({ id }) => id)
    }, keys)
    const steps = ['a', 'b', 'c']
    for (const key of keys) for (const name of steps) await server.gate(`${key}-${name}`).reached()
    const order = ['x-c', 'y-b', 'x-a', 'y-c', 'y-a', 'x-b']
    for (const [i, name] of order.entries()) {
      server.gate(`${key}-${name}`).open()
      await page.waitForFunction(
        (count) => window.events.filter(({ type }) => type === 'step:complete').length === count,
        i + 1,
      )
    }
    for (const [i, run] of ['x', 'y'].entries()) {
      const id = ids[i] ?? ''
      expect(await ended(page, id)).toMatchObject({ status: 'completed', output: steps })
      const stored = await page.evaluate((id) => window.stepwell.getSteps(id), id)
      const ownOrder = order.filter((name) => name.startsWith(run)).map((name) => name.slice(2))
      expect(stored.map(({ name, completedIndex }) => [name, completedIndex])).toEqual(
        ownOrder.map((name, index) => [name, index]),
      )
      const { logs } = await page.evaluate((id) => window.stepwell.getLogs(id), id)
      expect(logs.map(({ stepName, message }) => `${stepName}: ${message}`).sort()).toEqual(
        steps.flatMap((name) => [`${name}: ${name} begins`, `${name}: ${name} ends`]),
      )
    }
  })
}

test('of two runs in one executor the cancelled one is aborted, and the other ends', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ concurrency: 2 })
  const [cancelled = '', other = ''] = await page.evaluate(
    async (keys) => {
      const triggered = keys.map((key) =>
        window.stepwell.trigger('cancellable', { key, catches: false }),
      )
      return (await Promise.all(triggered)).map(({ id }) => id)
    },
    [`${key}-x`, `${key}-y`],
  )
  for (const name of ['x', 'y']) await server.gate(`${key}-${name}`).reached()
  await page.evaluate((id) => window.stepwell.cancel(id), cancelled)
  await server.witness.reached(`${key}-x/aborted`)
  server.gate(`${key}-y`).open()
  expect(await ended(page, other)).toMatchObject({ status: 'completed' })
  expect(await runOf(page, cancelled)).toMatchObject({ status: 'cancelled' })
  expect(server.witness.counts(`${key}-`)).toEqual({
    [`${key}-x/wait`]: 1,
    [`${key}-x/aborted`]: 1,
    [`${key}-y/wait`]: 1,
    [`${key}-y/later`]: 1,
  })
})
