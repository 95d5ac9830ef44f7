import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { eventChannel, replyChannel } from '../src/channels.js'
import { type Following, follow, type Welcome } from '../src/client/following.js'
import { createFollowers, type Followers } from '../src/engine-worker/followers.js'
import type { ClientReply, EngineStatus, RunEvent } from '../src/generated/protocol.js'
import {
  deliver,
  FakeLocks,
  installChannels,
  lose,
  openChannels,
  say,
  settled,
} from './fake-channels.js'
import { randomOf } from './random.js'

const STATUS: EngineStatus = {
  epoch: 1,
  paused: undefined,
  unservedJobs: [],
  counters: { batches: 0, commits: 0, steps: 0, leases: 0 },
}

function eventOf(sequence: number): RunEvent {
  return {
    type: 'run:trigger',
    sequence,
    timestamp: 1,
    runId: 'r',
    jobName: 'job',
    labels: {},
    status: 'pending',
    version: 1,
    parentId: undefined,
  }
}

function replyOf(requestId: string): ClientReply {
  return { requestId, reply: { type: 'steps', steps: [] } }
}

let locks: FakeLocks

beforeEach(() => {
  installChannels()
  vi.useFakeTimers()
  locks = new FakeLocks()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

interface Tab {
  readonly line: Following
  readonly told: string[]
  readonly welcomes: Welcome[]
}

/** A tab that follows, and what it was told: `reply 7`, `event 7`, `welcome 1`. */
function tab(clientId: string): Tab {
  const told: string[] = []
  const welcomes: Welcome[] = []
  const line = follow(
    { database: 'd', clientId, locks, jobs: () => ['job'], isVisible: () => true },
    {
      onWelcome(welcome) {
        welcomes.push(welcome)
        told.push(`welcome ${welcome.epoch}`)
      },
      onReleased: (next) => told.push(`released ${next}`),
      onOtherBuild: (buildId) => told.push(`build ${buildId}`),
      onUnavailable: ({ code }) => told.push(`unavailable ${code}`),
      onReplies: (replies) => told.push(...replies.map(({ requestId }) => `reply ${requestId}`)),
      onEvents: (events) => told.push(...events.map(({ sequence }) => `event ${sequence}`)),
      onAnswer: ({ type }) => told.push(type),
      onClock: (from, to) => told.push(`clock ${from} ${to}`),
      onSign: () => undefined,
    },
  )
  return { line, told, welcomes }
}

interface Leader {
  readonly followers: Followers
  readonly asked: string[]
  readonly builds: string[]
}

function leader(epoch: number): Leader {
  const asked: string[] = []
  const builds: string[] = []
  const followers = createFollowers({
    database: 'd',
    locks,
    epoch,
    persisted: true,
    loss: null,
    status: () => ({ ...STATUS, epoch }),
    onRequests: (clientId, requests) =>
      asked.push(...requests.map(({ requestId }) => `${clientId} ${requestId}`)),
    onRead: (clientId, id) => asked.push(`${clientId} reads ${id}`),
    onTransfer: (clientId, { type }) => asked.push(`${clientId} ${type}`),
    onJoined: () => undefined,
    onOtherBuild: (buildId) => builds.push(buildId),
  })
  return { followers, asked, builds }
}

/** Until nothing is on its way. */
async function calm(): Promise<void> {
  for (let rounds = 0; rounds < 10; rounds++) {
    await settled()
    deliver()
  }
}

/** What was amiss has been mended after a second, and nobody asks again and again. */
async function expectSilence(): Promise<void> {
  vi.advanceTimersByTime(1_000)
  await calm()
  vi.advanceTimersByTime(1_000)
  await settled()
  expect(deliver(':cmd')).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
}

const ask = (line: Following, requestId: string) =>
  line.ask({
    type: 'stepwell:requests',
    requests: [{ requestId, command: { type: 'getStatus' } }],
    blobs: [],
  })

describe('a tab that follows', () => {
  test('is welcomed by whoever leads, whichever of the two comes first', async () => {
    const early = tab('early')
    await calm()
    expect(early.told).toEqual([])
    leader(3)
    const late = tab('late')
    await calm()
    expect(early.told).toEqual(['welcome 3'])
    expect(late.told).toEqual(['welcome 3'])
    expect(late.welcomes[0]).toMatchObject({ epoch: 3, position: 0, persisted: true })
  })

  test('reaches the leader of its epoch only', async () => {
    const { line, told } = tab('a')
    const first = leader(1)
    await calm()
    ask(line, 'q1')
    await calm()
    expect(first.asked).toEqual(['a q1'])
    // Its last word is on its way when the next one leads.
    ask(line, 'q2')
    first.followers.close()
    const second = leader(2)
    await calm()
    expect(second.asked).toEqual([])
    expect(told).toEqual(['welcome 1', 'welcome 2'])
    ask(line, 'q2')
    await calm()
    expect(second.asked).toEqual(['a q2'])
  })

  test('asks nobody between two leaders', async () => {
    const { line, told } = tab('a')
    const first = leader(1)
    await calm()
    first.followers.tellReleased('b')
    await calm()
    ask(line, 'q')
    expect(deliver(':cmd')).toEqual([])
    expect(told).toEqual(['welcome 1', 'released b'])
  })

  test('hears replies before the events of their batch, whichever channel is faster', async () => {
    const a = tab('a')
    const b = tab('b')
    const { followers } = leader(1)
    await calm()
    followers.tell([{ clientId: 'a', reply: replyOf('1') }], [eventOf(1)], null)
    followers.tell([], [eventOf(2)], null)
    deliver(':events')
    expect(a.told).toEqual(['welcome 1'])
    expect(b.told).toEqual(['welcome 1', 'event 1', 'event 2'])
    deliver(':a')
    expect(a.told).toEqual(['welcome 1', 'reply 1', 'event 1', 'event 2'])
    followers.tell([{ clientId: 'a', reply: replyOf('3') }], [eventOf(3)], null)
    deliver(':a')
    deliver(':events')
    expect(a.told.slice(4)).toEqual(['reply 3', 'event 3'])
  })

  test('hears a reply after the events of earlier batches, whichever channel is faster', async () => {
    const a = tab('a')
    const { followers } = leader(1)
    await calm()
    followers.tell([], [eventOf(1)], null)
    followers.tell([{ clientId: 'a', reply: replyOf('2') }], [], null)
    followers.tell([], [eventOf(2)], null)
    deliver(':a')
    // The answer may show what the first event tells.
    expect(a.told).toEqual(['welcome 1'])
    deliver(':events')
    expect(a.told).toEqual(['welcome 1', 'event 1', 'reply 2', 'event 2'])
    await expectSilence()
  })

  test('hears a reply also where the events before it stay away', async () => {
    const a = tab('a')
    const { followers } = leader(1)
    await calm()
    followers.tell([], [eventOf(1)], null)
    lose()
    followers.tell([{ clientId: 'a', reply: replyOf('2') }], [eventOf(2)], null)
    await calm()
    expect(a.told).toEqual(['welcome 1'])
    vi.advanceTimersByTime(1_000)
    await calm()
    // All is read again after a welcome: the answer cannot be older than what is shown.
    expect(a.told).toEqual(['welcome 1', 'reply 2', 'welcome 1'])
    followers.tell([], [eventOf(3)], null)
    await calm()
    expect(a.told.slice(3)).toEqual(['event 3'])
    await expectSilence()
  })

  test('that joins in the middle hears what came after its welcome, also where that was faster', async () => {
    const b = tab('b')
    const { followers } = leader(1)
    await calm()
    followers.tell([], [eventOf(1)], null)
    const a = tab('a')
    await settled()
    deliver(':cmd')
    followers.tell([], [eventOf(2)], null)
    deliver(':events')
    deliver(':a')
    // The first one was told before it asked, and is in what it reads now.
    expect(a.told).toEqual(['welcome 1', 'event 2'])
    expect(b.told).toEqual(['welcome 1', 'event 1', 'event 2'])
  })

  test('joins again where something stays away', async () => {
    const { told } = tab('a')
    const { followers } = leader(1)
    await calm()
    followers.tell([], [eventOf(1)], null)
    lose()
    followers.tell([], [eventOf(2)], null)
    await calm()
    expect(told).toEqual(['welcome 1'])
    vi.advanceTimersByTime(1_000)
    await calm()
    // What is read now has both.
    expect(told).toEqual(['welcome 1', 'welcome 1'])
    followers.tell([], [eventOf(3)], null)
    await calm()
    expect(told.slice(2)).toEqual(['event 3'])
  })

  test.each(Array.from({ length: 50 }, (_, seed) => [seed]))(
    'hears everything once and in order, over leaders too (seed %i)',
    async (seed) => {
      const pick = randomOf(seed)
      const tabs = ['a', 'b', 'c'].map((id) => ({ id, ...tab(id) }))
      let sequence = 0
      let current = leader(1)
      for (let i = 0; i < 60; i++) {
        await settled()
        const [suffix = ''] = [[':events'], [':a'], [':b'], [':c'], [':cmd'], ['']][pick(6)] ?? []
        deliver(suffix)
        const events = Array.from({ length: pick(3) }, () => eventOf(++sequence))
        const [first] = events
        const replies = ['a', 'b', 'c']
          .filter(() => pick(3) === 0)
          .map((clientId) => {
            const about = first === undefined ? `after ${sequence}` : `${first.sequence}`
            return { clientId, reply: replyOf(about) }
          })
        current.followers.tell(replies, events, null)
        if (pick(8) === 0) tabs[pick(3)]?.line.join()
        if (pick(20) === 0) {
          if (pick(2) === 0) current.followers.tellReleased(null)
          else current.followers.close()
          current = leader(i + 2)
        }
      }
      await calm()
      await expectSilence()
      for (const { told, id } of tabs) {
        // From the last welcome on nothing is missing.
        const last = told.map((word) => word.startsWith('welcome')).lastIndexOf(true)
        const since = told.slice(last + 1)
        const heard = since.filter((word) => word.startsWith('event')).map((word) => +word.slice(6))
        expect(heard, id).toEqual(
          Array.from({ length: heard.length }, (_, i) => sequence - heard.length + 1 + i),
        )
        // And never is one told twice, or out of order.
        const all = told.filter((word) => word.startsWith('event')).map((word) => +word.slice(6))
        expect(all, id).toEqual([...new Set(all)].sort((x, y) => x - y))
        for (const word of told.filter((item) => item.startsWith('reply'))) {
          const at = told.indexOf(`event ${word.slice(6)}`)
          if (at >= 0) expect(told.indexOf(word), id).toBeLessThan(at)
          // Of an empty batch: what was told before it comes first, unless a welcome has it.
        }
        for (const [at, word] of told.entries()) {
          if (!word.startsWith('reply after ')) continue
          const later = told.slice(at).indexOf(`event ${word.slice(12)}`)
          expect(later, id).toBe(-1)
        }
      }
    },
  )

  test('of another build is told so, and the leader learns of it and forgets it', async () => {
    const { builds, followers } = leader(1)
    say('stepwell:d:cmd', {
      type: 'stepwell:join',
      buildId: '9.9.9/99',
      clientId: 'x',
      jobs: [],
      isVisible: true,
    })
    expect(builds).toEqual(['9.9.9/99'])
    expect(openChannels()).not.toContain(replyChannel('d', 'x'))
    expect(followers.find(() => true)).toBeNull()

    const { told } = tab('a')
    await settled()
    say(replyChannel('d', 'a'), {
      type: 'welcome',
      buildId: '0.0.1/1',
      epoch: 7,
    })
    expect(told).toEqual(['build 0.0.1/1'])
  })

  test('that goes is forgotten, by its word or by its lock', async () => {
    const { followers } = leader(1)
    const a = tab('a')
    tab('b')
    await calm()
    expect(followers.find(() => true)).toBe('a')
    a.line.stop()
    await calm()
    expect(followers.find(() => true)).toBe('b')
    locks.drop('stepwell:d:client:b')
    await calm()
    expect(followers.find(() => true)).toBeNull()
    expect(openChannels().filter((name) => name.includes('reply'))).toEqual([
      replyChannel('d', 'b'),
    ])
  })

  test('a client that nobody stands behind is forgotten at once', async () => {
    const { followers } = leader(1)
    for (let i = 0; i < 1_000; i++) {
      say('stepwell:d:cmd', {
        type: 'stepwell:join',
        buildId: '0.1.0/0',
        clientId: `made-up-${i}`,
        jobs: [],
        isVisible: true,
      })
    }
    await calm()
    expect(followers.find(() => true)).toBeNull()
    expect(openChannels()).toHaveLength(2)
  })

  test('what others of the origin post on the common channel cannot cut it off', async () => {
    const { told } = tab('a')
    const { followers } = leader(1)
    await calm()
    const events = eventChannel('d')
    const empty = { events: [], repliedTo: [], status: null }
    say(events, { type: 'events', epoch: 999_999, position: 1, ...empty })
    say(events, { type: 'events', epoch: 1, position: 999_999, ...empty })
    say(events, { type: 'leading', buildId: 'x', epoch: 12 })
    say(events, { type: 'released', epoch: 12, next: null })
    for (const bad of [null, 1, 'x', {}, { type: 'events' }, { type: '__proto__' }, []]) {
      say(events, bad)
    }
    followers.tell([], [eventOf(1)], null)
    await calm()
    await expectSilence()
    followers.tell([], [eventOf(2)], null)
    await calm()
    expect(told.filter((word) => word.startsWith('event'))).toEqual(['event 1', 'event 2'])
    say(events, { type: 'unavailable', buildId: 'x', error: { code: 'internal', message: 'no' } })
    followers.tell([], [eventOf(3)], null)
    await calm()
    vi.advanceTimersByTime(1_000)
    await calm()
    expect(told.slice(-2)).toEqual(['unavailable internal', 'welcome 1'])
    await expectSilence()
  })
})
