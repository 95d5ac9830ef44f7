/** When the engine worker's host does its upkeep. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createIdle } from '../src/engine-worker/idle.js'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** An idle with so much to do, and the times at which it did a piece. */
function idleWith(pieces: number) {
  let left = pieces
  const done: number[] = []
  const startedAt = performance.now()
  const idle = createIdle(() => {
    done.push(performance.now() - startedAt)
    left -= 1
    return left > 0
  })
  return {
    idle,
    done,
    add(more: number) {
      left = Math.max(left, 0) + more
    },
  }
}

const HOUR_MS = 3_600_000

describe('upkeep', () => {
  test('some seconds after the start, piece by piece until there is no more, and then never', () => {
    const { idle, done } = idleWith(3)
    idle.start(null)
    vi.advanceTimersByTime(10 * HOUR_MS)
    expect(done).toEqual([5000, 5050, 5100])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('two seconds after the last work, with one timer however much work there is', () => {
    const { idle, done } = idleWith(1)
    for (let i = 0; i < 50; i++) {
      idle.touch()
      expect(vi.getTimerCount()).toBe(1)
      vi.advanceTimersByTime(100)
    }
    expect(done).toEqual([])
    vi.advanceTimersByTime(HOUR_MS)
    expect(done).toEqual([6900])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('work between two pieces puts the next one off', () => {
    const { idle, done } = idleWith(2)
    idle.touch()
    vi.advanceTimersByTime(2020)
    idle.touch()
    vi.advanceTimersByTime(HOUR_MS)
    expect(done).toEqual([2000, 4020])
  })

  test.each([
    [5000, 5000],
    [1, 1000],
    [30 * 24 * HOUR_MS, HOUR_MS],
  ])(
    'with a retention of %i ms again every %i ms, for runs grow old without any work',
    (retentionMs, everyMs) => {
      const { idle, done } = idleWith(0)
      idle.start(retentionMs)
      vi.advanceTimersByTime(5000 + 2 * everyMs)
      expect(done).toEqual([5000, 5000 + everyMs, 5000 + 2 * everyMs])
      expect(vi.getTimerCount()).toBe(1)
    },
  )

  test('work brings a far-off look forward', () => {
    const { idle, done, add } = idleWith(0)
    idle.start(30 * 24 * HOUR_MS)
    vi.advanceTimersByTime(60_000)
    add(1)
    idle.touch()
    vi.advanceTimersByTime(2000)
    expect(done).toEqual([5000, 62_000])
  })

  test('never after the end, whoever asks', () => {
    const { idle, done } = idleWith(5)
    idle.start(1000)
    idle.touch()
    idle.stop()
    idle.touch()
    vi.advanceTimersByTime(HOUR_MS)
    expect(done).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('that ends the engine ends itself', () => {
    const idle = createIdle(() => {
      idle.stop()
      return true
    })
    idle.touch()
    vi.advanceTimersByTime(HOUR_MS)
    expect(vi.getTimerCount()).toBe(0)
  })
})
