import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createTab, type Tab, type TabConfig } from '../src/client/tab.js'
import { createFollowers, type Followers } from '../src/engine-worker/followers.js'
import { isStepwellError } from '../src/errors.js'
import { BUILD_ID, seatLock } from '../src/wire.js'
import { deliver, FakeLocks, installChannels, lose, say, settled } from './fake-channels.js'

/** An engine worker that says what a test tells it to say. */
class FakeWorker extends EventTarget implements Worker {
  onmessage: Worker['onmessage'] = null
  onmessageerror = null
  onerror = null
  isTerminated = false
  readonly received: unknown[] = []

  postMessage(message: unknown): void {
    this.received.push(message)
  }

  terminate(): void {
    this.isTerminated = true
  }

  say(data: unknown): void {
    this.onmessage?.call(this, new MessageEvent('message', { data }))
  }

  get types(): unknown[] {
    return this.received.map((message) => Reflect.get(Object(message), 'type'))
  }
}

let locks: FakeLocks
let workers: FakeWorker[]
let visibility: 'visible' | 'hidden'
let page: EventTarget
let browserDocument: EventTarget

/** A page of Chromium, unless a test changes it. */
beforeEach(() => {
  installChannels()
  vi.useFakeTimers()
  locks = new FakeLocks()
  workers = []
  visibility = 'visible'
  page = new EventTarget()
  browserDocument = new EventTarget()
  Object.defineProperty(browserDocument, 'visibilityState', { get: () => visibility })
  Object.assign(browserDocument, { onfreeze: null, baseURI: 'http://localhost/app/' })
  vi.stubGlobal('document', browserDocument)
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
  vi.stubGlobal('isSecureContext', true)
  vi.stubGlobal('location', { origin: 'http://localhost' })
  const storage = { getDirectory: () => undefined, estimate: async () => ({ usage: 1, quota: 2 }) }
  vi.stubGlobal('navigator', { locks, storage, onLine: true, vendor: 'Google Inc.' })
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

function open(options: Partial<TabConfig> = {}): Tab {
  const tab = createTab({
    database: 'd',
    durability: 'strict',
    storage: 'opfs',
    concurrency: 1,
    executors: 1,
    limits: { payloadBytes: 1000, logLines: 10 },
    retentionMs: null,
    standby: false,
    worker: () => () => new FakeWorker(),
    engineWorker: () => () => {
      const worker = new FakeWorker()
      workers.push(worker)
      return worker
    },
    wasmUrl: () => null,
    context: () => undefined,
    jobs: () => new Map(),
    serializer: () => undefined,
    ...options,
  })
  tab.connect()
  return tab
}

/** Another tab that leads: its seat, and its engine worker. */
async function elsewhere(): Promise<Followers> {
  void locks.request(seatLock('d'), () => new Promise(() => undefined)).catch(() => undefined)
  await settled()
  return engineElsewhere(1)
}

function engineElsewhere(epoch: number): Followers {
  return createFollowers({
    database: 'd',
    locks,
    epoch,
    persisted: false,
    loss: null,
    status: () => ({
      epoch,
      paused: undefined,
      unservedJobs: [],
      counters: { batches: 0, commits: 0, steps: 0, leases: 0 },
    }),
    onRequests: () => undefined,
    onRead: () => undefined,
    onTransfer: () => undefined,
    onJoined: () => undefined,
    onOtherBuild: () => undefined,
  })
}

async function calm(): Promise<void> {
  for (let rounds = 0; rounds < 10; rounds++) {
    await settled()
    deliver()
  }
}

async function seconds(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    vi.advanceTimersByTime(1_000)
    await settled()
  }
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (reason: unknown) => (isStepwellError(reason) ? reason.code : String(reason)),
  )

const read = (tab: Tab) => tab.request({ type: 'getStatus' }, {}, [])

describe('a tab that follows', () => {
  test('is ready once it is welcomed, and spawns nothing', async () => {
    await elsewhere()
    const tab = open()
    expect(tab.status()).toMatchObject({ state: 'connecting', role: 'none' })
    await calm()
    expect(tab.status()).toMatchObject({
      state: 'ready',
      role: 'follower',
      storage: 'best-effort',
      epoch: 1,
    })
    expect(workers).toEqual([])
  })

  test('keeps what it asks while nobody leads, and gives it up after 30 s', async () => {
    const leader = await elsewhere()
    const tab = open()
    await calm()
    const sent = codeOf(read(tab))
    await settled()
    leader.tellReleased(null)
    await calm()
    expect(tab.status()).toMatchObject({ state: 'connecting', role: 'follower', epoch: null })
    await seconds(28)
    const unsent = codeOf(read(tab))
    await seconds(2)
    expect(await sent).toBe('outcome_unknown')
    expect(await unsent).toBe('not_leader')
    expect(tab.status()).toMatchObject({ state: 'unavailable', error: { code: 'not_leader' } })
    expect(await codeOf(read(tab))).toBe('not_leader')
    // It goes on by itself.
    engineElsewhere(2)
    await calm()
    expect(tab.status()).toMatchObject({ state: 'ready', epoch: 2, error: null })
  })

  test('asks a silent leader whether it is still known, and a sign of life is enough to wait on', async () => {
    const leader = await elsewhere()
    const tab = open()
    await calm()
    const answer = codeOf(read(tab))
    await settled()
    lose()
    await seconds(10)
    expect(deliver(':cmd')).toMatchObject([{ type: 'stepwell:join' }])
    expect(deliver(':seat')).toEqual([{ type: 'stepwell:waiting' }])
    for (let i = 0; i < 10; i++) {
      await seconds(9)
      leader.tellAlive()
      await calm()
    }
    expect(tab.status().state).toBe('ready')
    await tab.shutDown()
    expect(await answer).toBe('outcome_unknown')
  })

  test('leads when the seat is granted, and sends again what is open', async () => {
    const leader = await elsewhere()
    const tab = open()
    await calm()
    void read(tab).catch(() => undefined)
    await calm()
    leader.close()
    locks.drop(seatLock('d'))
    await calm()
    expect(tab.status()).toMatchObject({ state: 'connecting', role: 'leader' })
    workers[0]?.say({ type: 'opened', epoch: 2, persisted: true, loss: null, isNew: false })
    await settled()
    expect(tab.status()).toMatchObject({ state: 'ready', role: 'leader', epoch: 2 })
    expect(workers[0]?.received).toContainEqual(
      expect.objectContaining({
        type: 'stepwell:requests',
        requests: [expect.objectContaining({ command: { type: 'getStatus' } })],
      }),
    )
  })

  test('passes the seat on, once, where another tab is to lead', async () => {
    const leader = await elsewhere()
    const tab = open()
    await calm()
    leader.tellReleased('another')
    await calm()
    // The one that is meant waits behind this tab.
    let isGranted = false
    void locks.request(seatLock('d'), async () => {
      isGranted = true
    })
    await settled()
    locks.drop(seatLock('d'))
    await calm()
    expect(isGranted).toBe(true)
    // It has gone, too: now it is this tab's turn.
    expect(tab.status().role).toBe('leader')
  })

  test('of an older build is told to reload, one of a newer build to wait', async () => {
    await elsewhere()
    const tab = open()
    await calm()
    const join = { type: 'leading', buildId: '9.0.0/99', epoch: 5 }
    say('stepwell:d:events', join)
    await settled()
    const [asked] = deliver(':cmd')
    const reply = `stepwell:d:reply:${Reflect.get(Object(asked), 'clientId')}`
    say(reply, { type: 'welcome', buildId: '9.0.0/99' })
    expect(tab.status()).toMatchObject({ state: 'unavailable', role: 'follower' })
    expect(tab.status().error).toMatchObject({
      code: 'protocol_mismatch',
      message: expect.stringMatching(/Reload this tab/),
    })
    say(reply, { type: 'welcome', buildId: '0.0.1/1' })
    expect(tab.status().error?.message).toMatch(/Reload or close the other tab/)
    expect(await codeOf(read(tab))).toBe('protocol_mismatch')
  })

  test('with standby keeps a worker ready, and leads with it', async () => {
    await elsewhere()
    open({ standby: true, wasmUrl: () => 'https://cdn.example/x.wasm' })
    await calm()
    expect(workers.map(({ types }) => types)).toEqual([['stepwell:prepare']])
    // One of all that wait.
    const third = open({ standby: true })
    await calm()
    expect(workers).toHaveLength(1)
    locks.drop(seatLock('d'))
    await calm()
    expect(workers[0]?.types.slice(0, 2)).toEqual(['stepwell:prepare', 'stepwell:open'])
    // The lock is free for the next one.
    expect(workers.map(({ types }) => types[0])).toEqual(['stepwell:prepare', 'stepwell:prepare'])
    await third.shutDown()
    expect(workers[1]?.isTerminated).toBe(true)
  })

  test("a standby's wasm is found as the page says it", async () => {
    await elsewhere()
    open({ standby: true, wasmUrl: () => 'wasm/x.wasm' })
    await calm()
    expect(workers[0]?.received).toMatchObject([{ wasmUrl: 'http://localhost/app/wasm/x.wasm' }])
  })

  test.each([2, 3.9])('with standby keeps none on a device of %d GB', async (deviceMemory) => {
    Object.assign(navigator, { deviceMemory })
    await elsewhere()
    open({ standby: true })
    await calm()
    expect(workers).toEqual([])
  })
})

describe('a tab that leads', () => {
  async function leads(options: Partial<TabConfig> = {}): Promise<Tab> {
    const tab = open(options)
    await calm()
    workers[0]?.say({ type: 'opened', epoch: 1, persisted: true, loss: null, isNew: false })
    await settled()
    expect(tab.status()).toMatchObject({ state: 'ready', role: 'leader' })
    return tab
  }

  test('hands over, and queues behind the others', async () => {
    const tab = await leads()
    let isGranted = false
    void locks.request(seatLock('d'), () => {
      isGranted = true
      return new Promise(() => undefined)
    })
    await settled()
    workers[0]?.say({ type: 'handed-over' })
    await calm()
    expect(isGranted).toBe(true)
    expect(workers[0]?.isTerminated).toBe(true)
    expect(tab.status()).toMatchObject({ state: 'connecting', role: 'follower', epoch: null })
  })

  test('ends an engine worker that owes an answer to a follower only', async () => {
    const tab = await leads()
    say('stepwell:d:seat', { type: 'nonsense' })
    await seconds(30)
    expect(workers).toHaveLength(1)
    say('stepwell:d:seat', { type: 'stepwell:waiting' })
    await seconds(9)
    expect(workers[0]?.isTerminated).toBe(false)
    await seconds(1)
    expect(workers[0]?.isTerminated).toBe(true)
    expect(workers).toHaveLength(2)
    expect(tab.status()).toMatchObject({ state: 'connecting', role: 'leader' })
  })

  test('is told to reload where a newer build is open, and goes on', async () => {
    const tab = await leads()
    workers[0]?.say({ type: 'outdated', buildId: '9.0.0/99' })
    expect(tab.status()).toMatchObject({
      state: 'ready',
      role: 'leader',
      error: { code: 'protocol_mismatch' },
    })
    expect(BUILD_ID).not.toBe('9.0.0/99')
    void read(tab).catch(() => undefined)
    await settled()
    expect(workers[0]?.types.at(-1)).toBe('stepwell:requests')
  })

  test('and runs jobs itself is asked to yield while it is hidden', async () => {
    await leads({ worker: () => undefined })
    const asks = () => workers[0]?.types.filter((type) => type === 'stepwell:yield')
    visibility = 'hidden'
    browserDocument.dispatchEvent(new Event('visibilitychange'))
    await seconds(29)
    expect(asks()).toEqual([])
    await seconds(31)
    expect(asks()).toEqual(['stepwell:yield', 'stepwell:yield'])
    visibility = 'visible'
    browserDocument.dispatchEvent(new Event('visibilitychange'))
    await seconds(60)
    expect(asks()).toHaveLength(2)
  })

  test('stays while it is hidden where jobs run in a worker', async () => {
    const tab = await leads()
    visibility = 'hidden'
    browserDocument.dispatchEvent(new Event('visibilitychange'))
    await seconds(120)
    expect(tab.status()).toMatchObject({ state: 'ready', role: 'leader' })
    expect(workers[0]?.types).not.toContain('stepwell:yield')
  })

  test('lets go when it is hidden in a browser that stops hidden pages, and joins when shown', async () => {
    Object.assign(navigator, { vendor: 'Apple Computer, Inc.' })
    Reflect.deleteProperty(browserDocument, 'onfreeze')
    const tab = await leads()
    visibility = 'hidden'
    browserDocument.dispatchEvent(new Event('visibilitychange'))
    await settled()
    expect(workers[0]?.received.at(-1)).toEqual({ type: 'stepwell:release', drainMs: 1_000 })
    expect(locks.held).toContain(seatLock('d'))
    workers[0]?.say({ type: 'released' })
    await calm()
    expect(locks.held).not.toContain(seatLock('d'))
    expect(tab.status()).toMatchObject({ state: 'connecting', role: 'none' })
    visibility = 'visible'
    browserDocument.dispatchEvent(new Event('visibilitychange'))
    await calm()
    expect(tab.status()).toMatchObject({ state: 'connecting', role: 'leader' })
    expect(workers).toHaveLength(2)
  })

  test('that is shown again before it has let go joins afterwards', async () => {
    Object.assign(navigator, { vendor: 'Apple Computer, Inc.' })
    Reflect.deleteProperty(browserDocument, 'onfreeze')
    await leads()
    for (const next of ['hidden', 'visible'] as const) {
      visibility = next
      browserDocument.dispatchEvent(new Event('visibilitychange'))
    }
    await settled()
    expect(workers).toHaveLength(1)
    workers[0]?.say({ type: 'released' })
    await calm()
    expect(workers).toHaveLength(2)
  })

  test('does not join where it is hidden from the start in such a browser', async () => {
    Object.assign(navigator, { vendor: 'Apple Computer, Inc.' })
    Reflect.deleteProperty(browserDocument, 'onfreeze')
    visibility = 'hidden'
    open()
    await calm()
    expect(workers).toEqual([])
    expect(locks.held).toEqual([])
  })

  test('tells those who wait why it cannot, and tries again', async () => {
    const tab = open()
    const other = open()
    await calm()
    const error = { code: 'storage_unavailable', message: 'busy' }
    workers[0]?.say({ type: 'open-failed', error })
    await calm()
    for (const { status } of [tab, other]) {
      expect(status()).toMatchObject({ state: 'unavailable', error })
    }
    await seconds(1)
    expect(workers).toHaveLength(2)
  })
})
