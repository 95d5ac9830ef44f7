import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createAudience } from '../src/engine-worker/audience.js'
import type { Followers } from '../src/engine-worker/followers.js'
import { EVENTS_PER_MESSAGE } from '../src/engine-worker/output.js'
import {
  createPendingEvents,
  EVENTS_WAIT_MS,
  FOLLOWED_WAIT_MS,
  type Tell,
} from '../src/engine-worker/pending-events.js'
import type { Addressed, EngineStatus, RunEvent } from '../src/generated/protocol.js'

const STATUS: EngineStatus = {
  epoch: 1,
  paused: undefined,
  unservedJobs: [],
  counters: { batches: 0, commits: 0, steps: 0, leases: 0 },
}

function headOf(sequence: number) {
  return {
    sequence,
    timestamp: 1,
    runId: 'r',
    jobName: 'job',
    labels: {},
    status: 'running' as const,
    version: 1,
    parentId: undefined,
  }
}

const started = (sequence: number): RunEvent => ({
  type: 'step:start',
  ...headOf(sequence),
  stepName: 's',
  attempt: 1,
})

const ended = (sequence: number): RunEvent => ({ type: 'run:complete', ...headOf(sequence) })

function answered(requestId: string): Addressed {
  return { clientId: 'page', reply: { requestId, reply: { type: 'steps', steps: [] } } }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** What left so far, a line a message: `[q] 1 2 status`. */
function pendingEvents(isFollowed = false) {
  const left: string[] = []
  const leave: Tell = (replies, events, status) => {
    const parts = [
      ...replies.map(({ reply }) => `[${reply.requestId}]`),
      ...events.map(({ sequence }) => sequence),
      ...(status === null ? [] : ['status']),
    ]
    left.push(parts.join(' '))
  }
  const { tell, flush } = createPendingEvents(leave, () => isFollowed)
  return {
    left,
    flush,
    tell(...events: RunEvent[]) {
      tell([], events, null)
    },
    answer(requestId: string, ...events: RunEvent[]) {
      tell([answered(requestId)], events, null)
    },
    setStatus(...events: RunEvent[]) {
      tell([], events, STATUS)
    },
  }
}

test('a lone event leaves at once, also right after others that were awaited', () => {
  const { left, tell, answer } = pendingEvents()
  answer('q', ended(1))
  tell(ended(2))
  tell(started(3))
  expect(left).toEqual(['[q] 1', '2', '3'])
})

test('those that follow within a few milliseconds leave together, and so on', () => {
  const { left, tell } = pendingEvents()
  tell(started(1))
  tell(started(2))
  tell(started(3), started(4))
  vi.advanceTimersByTime(EVENTS_WAIT_MS - 1)
  expect(left).toEqual(['1'])
  vi.advanceTimersByTime(1)
  expect(left).toEqual(['1', '2 3 4'])
  tell(started(5))
  expect(left).toHaveLength(2)
  vi.advanceTimersByTime(EVENTS_WAIT_MS)
  expect(left).toEqual(['1', '2 3 4', '5'])
})

test('where other tabs are told too, they leave once a frame', () => {
  const { left, tell } = pendingEvents(true)
  tell(started(1))
  tell(started(2))
  vi.advanceTimersByTime(FOLLOWED_WAIT_MS - 1)
  expect(left).toEqual(['1'])
  vi.advanceTimersByTime(1)
  expect(left).toEqual(['1', '2'])
})

test('after a pause the next one leaves at once, and nothing ticks meanwhile', () => {
  const { left, tell } = pendingEvents()
  tell(started(1))
  vi.advanceTimersByTime(EVENTS_WAIT_MS)
  expect(vi.getTimerCount()).toBe(0)
  tell(started(2))
  expect(left).toEqual(['1', '2'])
})

test('what is awaited takes along what waits, in order', () => {
  const { left, tell, setStatus } = pendingEvents()
  tell(started(1))
  tell(started(2))
  tell(started(3), ended(4), started(5))
  tell(started(6))
  setStatus(started(7))
  tell(started(8))
  setStatus()
  expect(left).toEqual(['1', '2 3 4 5', '6 7 status', '8 status'])
})

test('replies come after the events of earlier commits, and before those of their own', () => {
  const { left, tell, answer } = pendingEvents()
  tell(started(1))
  tell(started(2))
  answer('q', started(3))
  answer('p')
  expect(left).toEqual(['1', '2', '[q] 3', '[p]'])
})

test('no more wait than one message takes', () => {
  const { left, tell } = pendingEvents()
  const many = (count: number) => Array.from({ length: count }, (_, i) => started(i))
  tell(started(0))
  tell(...many(EVENTS_PER_MESSAGE - 1))
  expect(left).toHaveLength(1)
  tell(...many(2))
  expect(left.map((line) => line.split(' ').length)).toEqual([1, EVENTS_PER_MESSAGE + 1])
})

test('nothing to tell is not told', () => {
  const { left, tell, flush } = pendingEvents()
  tell()
  flush()
  vi.runAllTimers()
  expect(left).toEqual([])
})

test('a flush leaves nothing behind, no timer either', () => {
  const { left, tell, flush } = pendingEvents()
  tell(started(1))
  tell(started(2))
  flush()
  expect(left).toEqual(['1', '2'])
  expect(vi.getTimerCount()).toBe(0)
})

test('page and followers are told the same at the same time', () => {
  const told: string[] = []
  const line = (who: string, events: readonly RunEvent[]) =>
    told.push(`${who} ${events.map(({ sequence }) => sequence).join(' ')}`)
  const audience = createAudience(
    (message) => message.type === 'output' && line('page', message.events),
    () => 'page',
  )
  const followers: Pick<Followers, 'tell' | 'isEmpty'> = {
    tell: (_, events) => line('followers', events),
    isEmpty: () => false,
  }
  audience.add(followers as Followers)
  for (const n of [1, 2, 3]) audience.tell([], [started(n)], null)
  audience.flush()
  expect(told).toEqual(['page 1', 'followers 1', 'page 2 3', 'followers 2 3'])
})
