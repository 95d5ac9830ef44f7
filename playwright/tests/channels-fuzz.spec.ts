// DESIGN §5: what arrives is checked before it is used, on every line: 10,000 malformed, foreign and oversized messages.
//
// STEPWELL_SEED=7 pnpm exec playwright test channels-fuzz
import type { CDPSession, Page } from '@playwright/test'
import { expect, type OpenPage, test } from '../support/fixtures.js'
import { blobFiles } from '../support/opfs.js'
import { ended, expectNothingUnhandled, ready, triggerSteps } from '../support/page.js'
import { seedOfTheDay } from '../support/random.js'
import { follows, leads } from '../support/tabs.js'

const SEED = seedOfTheDay()
const TIMES = 10_000
/** What a worker may hold of 10,000 messages that are nobody's: less than a tenth of what they were. */
const GROWTH_BYTES_MAX = 8 * 2 ** 20

/** A leader and a follower whose lines are tapped, and a page of the origin that has no client. */
async function threeTabs(openPage: OpenPage) {
  const options = { page: 'fuzz.html' as const, concurrency: 2 }
  const leader = await openPage(options)
  await leads(leader)
  const stranger = await openPage({ ...options, query: { stranger: '1' } })
  return { leader, stranger, options }
}

/** A follower, and the id that it says it has. */
async function followerOf(openPage: OpenPage, stranger: Page, key: string) {
  const heard = stranger.evaluate(
    (key) => window.overhear(`stepwell:${key}:cmd`, 'stepwell:join'),
    key,
  )
  const follower = await openPage({ page: 'fuzz.html', concurrency: 2 })
  await follows(follower)
  const { clientId, buildId } = await heard
  return { follower, clientId: String(clientId), buildId: String(buildId) }
}

/** Everything that is stored, as this page reads it. */
const storedIn = (page: Page) =>
  page.evaluate(async () => {
    const { runs } = await window.stepwell.getRuns({ limit: 1000 })
    const { commits, steps, leases } = await window.counters()
    return { runs, commits, steps, leases }
  })

/** What went wrong where somebody listens: a crash of the engine, an error that nobody caught. */
const troubleIn = (page: Page) =>
  page.evaluate(() =>
    window.events.flatMap((event) => (event.type === 'engine:error' ? [event.error.message] : [])),
  )

/** Bytes of its heap that the page's engine worker needs. */
async function heapOf(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page)
  try {
    const worker = await attached(session)
    await worker('HeapProfiler.collectGarbage')
    const { usedSize } = await worker('Runtime.getHeapUsage')
    return Number(usedSize)
  } finally {
    await session.detach()
  }
}

/** What can be asked of the engine worker's debugger. */
async function attached(session: CDPSession) {
  let lastId = 0
  const found = new Promise<string>((resolve) => {
    session.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
      if (targetInfo.title === 'stepwell-engine') resolve(sessionId)
    })
  })
  const options = { autoAttach: true, waitForDebuggerOnStart: false, flatten: false }
  await session.send('Target.setAutoAttach', options)
  const sessionId = await found
  return (method: string): Promise<Record<string, unknown>> => {
    lastId += 1
    const id = lastId
    const answer = new Promise<Record<string, unknown>>((resolve) => {
      session.on('Target.receivedMessageFromTarget', ({ message }) => {
        const said = JSON.parse(message)
        if (said.id === id) resolve(said.result)
      })
    })
    void session.send('Target.sendMessageToTarget', {
      sessionId,
      message: JSON.stringify({ id, method }),
    })
    return answer
  }
}

const DOORS = [
  'engineWorker',
  'executor',
  'toExecutor',
  'connect',
  'context',
  'fromContext',
] as const

test(`on the lines within a tab nothing crashes, nothing is written, and a trigger works`, async ({
  openPage,
  key,
  server,
}) => {
  test.setTimeout(60_000)
  console.log(`channels-fuzz.spec: STEPWELL_SEED=${SEED}`)
  const page = await openPage({ page: 'fuzz.html', concurrency: 2 })
  const first = await triggerSteps(page, { key: `${key}-a`, count: 2 })
  await ended(page, first)
  const before = await storedIn(page)
  const heap = await heapOf(page)
  const times = Math.ceil(TIMES / DOORS.length)
  const buildId = await page.evaluate(() => window.buildId)
  for (const [i, door] of DOORS.entries()) {
    const flood = { door, times, seed: SEED + i, clientId: 'nobody', epoch: 1, buildId }
    const said = await page.evaluate((flood) => window.flood(flood), flood)
    expect(said).toBeGreaterThan(times / 2)
    // Behind them all: it has been read when this is answered.
    expect(await storedIn(page), `${door}, seed ${SEED + i}`).toEqual(before)
    expect(await troubleIn(page), `${door}, seed ${SEED + i}`).toEqual([])
  }
  const id = await triggerSteps(page, { key, count: 2 })
  expect(await ended(page, id)).toMatchObject({ status: 'completed', output: { values: [0, 1] } })
  expect(server.witness.counts(`${key}/`)).toEqual({ [`${key}/s-0`]: 1, [`${key}/s-1`]: 1 })
  expect(await page.evaluate(() => window.stepwell.status)).toMatchObject({ epoch: 1, error: null })
  expect((await heapOf(page)) - heap).toBeLessThan(GROWTH_BYTES_MAX)
  await expectNothingUnhandled(page)
})

test('on the channels between tabs nothing crashes, nothing is written, and both tabs work on', async ({
  openPage,
  key,
  server,
}) => {
  test.setTimeout(60_000)
  console.log(`channels-fuzz.spec: STEPWELL_SEED=${SEED}`)
  const { leader, stranger } = await threeTabs(openPage)
  const { follower, clientId, buildId } = await followerOf(openPage, stranger, key)
  const first = await triggerSteps(follower, { key: `${key}-a`, count: 2 })
  await ended(follower, first)
  const before = await storedIn(leader)
  const heap = await heapOf(leader)
  const epoch = 1
  const channels = [
    { door: 'command', channel: `stepwell:${key}:cmd`, clientId, epoch },
    // What an engine of another time is asked.
    { door: 'command', channel: `stepwell:${key}:cmd`, clientId, epoch: 77 },
    { door: 'reply', channel: `stepwell:${key}:reply:${clientId}`, clientId, epoch },
    { door: 'events', channel: `stepwell:${key}:events`, clientId, epoch },
  ] as const
  for (const [i, channel] of channels.entries()) {
    const flood = { ...channel, buildId, times: TIMES / channels.length, seed: SEED + i }
    await stranger.evaluate((flood) => window.flood(flood), flood)
    await ready(follower)
    const when = `${channel.door}, seed ${SEED + i}`
    const { runs, steps, leases } = before
    expect(await storedIn(follower), when).toMatchObject({ runs, steps, leases })
    for (const page of [leader, follower]) expect(await troubleIn(page), when).toEqual([])
  }
  for (const [i, page] of [leader, follower].entries()) {
    const id = await triggerSteps(page, { key: `${key}-${i}`, count: 2 })
    for (const reader of [leader, follower]) {
      expect(await ended(reader, id)).toMatchObject({ status: 'completed' })
    }
    expect(server.witness.count(`${key}-${i}/s-1`)).toBe(1)
    expect(await page.evaluate(() => window.stepwell.status)).toMatchObject({
      state: 'ready',
      epoch,
      error: null,
    })
    await expectNothingUnhandled(page)
  }
  expect((await heapOf(leader)) - heap).toBeLessThan(GROWTH_BYTES_MAX)
})

test('what is well-formed, of another epoch or of nobody, has no effect', async ({
  openPage,
  key,
}) => {
  const { leader, stranger } = await threeTabs(openPage)
  const { follower, clientId } = await followerOf(openPage, stranger, key)
  await triggerSteps(follower, { key, count: 1 })
  const trigger = {
    type: 'trigger',
    run: { jobName: 'quick', input: '{"count":1}', blobs: [], coalesce: false, labels: {} },
  }
  const requests = (from: object) => ({
    type: 'stepwell:requests',
    requests: [{ requestId: 'forged', command: trigger }],
    blobs: [],
    ...from,
  })
  await stranger.evaluate(({ key, messages }) => window.post(`stepwell:${key}:cmd`, messages), {
    key,
    messages: [
      requests({ clientId, epoch: 0 }),
      requests({ clientId, epoch: 2 }),
      requests({ clientId, epoch: '1' }),
      requests({ clientId: 'nobody', epoch: 1 }),
      requests({ clientId: '__proto__', epoch: 1 }),
    ],
  })
  await stranger.evaluate(
    ({ key, clientId, messages }) => {
      window.post(`stepwell:${key}:events`, messages)
      window.post(`stepwell:${key}:reply:${clientId}`, messages)
    },
    {
      key,
      clientId,
      messages: [
        { type: 'released', epoch: 0, next: clientId },
        { type: 'released', epoch: 2, next: clientId },
        { type: 'events', epoch: 0, repliedTo: [], position: 1, events: [], status: null },
        { type: 'replies', epoch: 0, after: 0, replies: [], events: null },
      ],
    },
  )
  // Files that no request is about are nobody's, and are not stored.
  await stranger.evaluate(
    ({ key, clientId }) => {
      const blob = new Blob(['x'.repeat(1000)])
      const blobs = Array.from({ length: 100 }, (_, i) => ({ id: `forged-${i}`, blob }))
      const message = { type: 'stepwell:requests', clientId, epoch: 1, requests: [], blobs }
      window.post(`stepwell:${key}:cmd`, [message])
    },
    { key, clientId },
  )
  await follower.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
  expect(await blobFiles(leader, key)).toEqual([])
  for (const page of [leader, follower]) {
    expect((await page.evaluate(() => window.stepwell.getRuns())).runs).toHaveLength(2)
    expect(await page.evaluate(() => window.stepwell.status)).toMatchObject({
      state: 'ready',
      epoch: 1,
    })
  }
})

for (const [what, message] of [
  ['has let go', { type: 'released', epoch: 1, next: 'nobody' }],
  [
    'cannot work',
    { type: 'unavailable', buildId: 'x', error: { code: 'internal', message: 'forged' } },
  ],
] as const) {
  test(`somebody else says that the leader ${what}: a follower asks, and works on`, async ({
    openPage,
    key,
  }) => {
    const { leader, stranger } = await threeTabs(openPage)
    const { follower } = await followerOf(openPage, stranger, key)
    const before = await follower.evaluate(() => window.statuses.length)
    await stranger.evaluate(
      ({ key, message }) => window.post(`stepwell:${key}:events`, [message]),
      { key, message },
    )
    // Nothing happens that the leader would tell of.
    await follower.waitForFunction(
      (before) => window.statuses.slice(before).some(({ state }) => state !== 'ready'),
      before,
    )
    await follows(follower)
    await follower.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
    expect(await leader.evaluate(() => window.stepwell.status.epoch)).toBe(1)
  })
}

test('thousands of tabs that nobody stands behind are not remembered', async ({
  openPage,
  key,
}) => {
  const { leader, stranger } = await threeTabs(openPage)
  const heap = await heapOf(leader)
  const buildId = await leader.evaluate(() => window.buildId)
  await stranger.evaluate(
    async ({ key, buildId }) => {
      for (let i = 0; i < 5; i++) {
        const jobs = Array.from({ length: 20 }, (_, n) => `job-${n}-${'x'.repeat(200)}`)
        const joins = Array.from({ length: 1000 }, (_, n) => ({
          type: 'stepwell:join',
          buildId,
          clientId: `nobody-${i}-${n}`,
          jobs,
          isVisible: true,
        }))
        const welcomed = window.overhear(`stepwell:${key}:reply:nobody-${i}-999`, 'welcome')
        window.post(`stepwell:${key}:cmd`, joins)
        await welcomed
      }
    },
    { key, buildId },
  )
  const locks = () =>
    leader.evaluate(async (key) => {
      const { pending = [], held = [] } = await navigator.locks.query()
      const own = [...pending, ...held].map(({ name = '' }) => name)
      return own.filter((name) => name.startsWith(`stepwell:${key}:client:`)).length
    }, key)
  await expect.poll(locks).toBe(0)
  expect((await heapOf(leader)) - heap).toBeLessThan(GROWTH_BYTES_MAX)
  await leader.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
})
