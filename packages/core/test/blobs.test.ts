/** The engine worker's files of users, without a browser. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createBlobs } from '../src/engine-worker/blobs/blobs.js'
import { createLanes } from '../src/engine-worker/blobs/lanes.js'
import { createOpfsBlobs } from '../src/engine-worker/blobs/opfs.js'
import { type BlobStore, createMemoryBlobs } from '../src/engine-worker/blobs/store.js'
import { createIntake } from '../src/engine-worker/intake.js'
import type { Addressed, Command, ExecutorEnvelope, Input } from '../src/generated/protocol.js'
import { type FakeOpfs, fakeOpfs } from './fake-opfs.js'

const MIB = 1024 * 1024
const ignore = () => undefined

describe('files in OPFS', () => {
  let opfs: FakeOpfs
  let store: BlobStore
  beforeEach(() => {
    opfs = fakeOpfs()
    vi.stubGlobal('navigator', { storage: opfs.storage })
    store = createOpfsBlobs('stepwell-test', true)
  })
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  test('are written in chunks, flushed before they count, and read back', async () => {
    const onChunk = vi.fn()
    const blob = new Blob([new Uint8Array(9 * MIB).fill(7)])
    await store.write('a', blob, onChunk)
    const chunks = [4, 4, 1].flatMap((size, i) => [
      `write a ${i * 4 * MIB}+${size * MIB}`,
      'flush a',
    ])
    expect(opfs.calls).toEqual([...chunks, 'close a'])
    expect(onChunk).toHaveBeenCalledTimes(3)
    expect((await store.read('a'))?.size).toBe(9 * MIB)
    expect(await store.list()).toEqual(['a'])
  })

  test('relaxed durability waits for no flush', async () => {
    await createOpfsBlobs('stepwell-test', false).write('a', new Blob(['text']), ignore)
    expect(opfs.calls).toEqual(['write a 0+4', 'close a'])
  })

  test('one that is there is not written again; half of one is', async () => {
    const blob = new Blob(['whole'])
    opfs.files.set('a', new Uint8Array(5).fill(1))
    opfs.files.set('b', new Uint8Array(2).fill(1))
    await store.list()
    await store.write('a', blob, ignore)
    await store.write('b', blob, ignore)
    expect(opfs.calls).toEqual(['flush a', 'close a', 'write b 0+5', 'flush b', 'close b'])
  })

  test('an empty one is stored', async () => {
    await store.write('a', new Blob([]), ignore)
    expect((await store.read('a'))?.size).toBe(0)
  })

  test('what a dying worker still holds is waited for', async () => {
    opfs.locked = 2
    await store.write('a', new Blob(['x']), ignore)
    expect(opfs.files.get('a')).toHaveLength(1)
  })

  test('no room: storage_full, and nothing is left', async () => {
    let writes = 0
    opfs.onWrite = () => {
      writes += 1
      if (writes === 2) throw new DOMException('quota', 'QuotaExceededError')
    }
    const written = store.write('a', new Blob([new Uint8Array(5 * MIB)]), ignore)
    await expect(written).rejects.toMatchObject({ code: 'storage_full' })
    expect(await store.list()).toEqual([])
  })

  test('one that cannot be read: invalid_input, by its name', async () => {
    const file = new File(['x'], 'gone.csv')
    vi.spyOn(file, 'slice').mockReturnValue(
      Object.assign(new Blob(), {
        arrayBuffer: () => Promise.reject(new DOMException('changed', 'NotReadableError')),
      }),
    )
    const written = store.write('a', file, ignore)
    await expect(written).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/"gone\.csv" cannot be read.*NotReadableError/),
    })
    expect(await store.list()).toEqual([])
  })

  test('closing ends what is under way', async () => {
    opfs.onWrite = () => store.close()
    const written = store.write('a', new Blob([new Uint8Array(9 * MIB)]), ignore)
    await expect(written).rejects.toMatchObject({ code: 'closed' })
    expect(opfs.calls.filter((call) => call.startsWith('write'))).toHaveLength(1)
    expect(opfs.calls.at(-1)).toBe('close a')
  })

  test('what is not there: null, and nothing to delete or list', async () => {
    expect(await store.read('a')).toBeNull()
    await store.delete('a')
    expect(await store.list()).toEqual([])
  })
})

describe('which are kept', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('the sweep after a start deletes what no run refers to, and nothing of this session', async () => {
    const store = createMemoryBlobs()
    for (const id of ['old', 'orphan']) await store.write(id, new Blob([id]), ignore)
    const unreferenced = vi.fn((ids: string[]) => ids.filter((id) => id !== 'old'))
    const blobs = createBlobs({ store, unreferenced, onAlive: ignore })
    blobs.sweepLater()
    await blobs.store(['new'], new Map([['new', new Blob(['new'])]]))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(unreferenced.mock.calls).toEqual([[['old', 'orphan']]])
    expect(await store.list()).toEqual(['old', 'new'])
  })

  test('no sweep after the end', async () => {
    const store = createMemoryBlobs()
    const unreferenced = vi.fn(() => [])
    const blobs = createBlobs({ store, unreferenced, onAlive: ignore })
    blobs.sweepLater()
    blobs.close()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(unreferenced).not.toHaveBeenCalled()
  })
})

/** A store whose writes end when a test says so. */
function slowStore() {
  const ends = new Map<string, (error?: Error) => void>()
  const started: string[] = []
  const deleted: string[] = []
  const store: BlobStore = {
    ...createMemoryBlobs(),
    write: (id) => {
      started.push(id)
      return new Promise((resolve, reject) => {
        ends.set(id, (error) => (error === undefined ? resolve() : reject(error)))
      })
    },
    delete: async (id) => void deleted.push(id),
  }
  const end = async (id: string, error?: Error) => {
    ends.get(id)?.(error)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { store, end, started, deleted }
}

test('a long write says now and then that it goes on', async () => {
  vi.useFakeTimers()
  const onAlive = vi.fn()
  const store: BlobStore = {
    ...createMemoryBlobs(),
    async write(_id, _blob, onChunk) {
      for (let i = 0; i < 100; i++) {
        vi.advanceTimersByTime(100)
        onChunk()
      }
    },
  }
  const blobs = createBlobs({ store, unreferenced: () => [], onAlive })
  await blobs.store(['a'], new Map([['a', new Blob(['a'])]]))
  vi.useRealTimers()
  expect(onAlive.mock.calls.length).toBeGreaterThanOrEqual(9)
  expect(onAlive.mock.calls.length).toBeLessThanOrEqual(11)
})

test('four are written at once, and each once', async () => {
  const { store, end, started } = slowStore()
  const blobs = createBlobs({ store, unreferenced: () => [], onAlive: ignore })
  const ids = ['a', 'b', 'c', 'd', 'e']
  const news = new Map(ids.map((id) => [id, new Blob([id])]))
  const stored = Promise.all([blobs.store(ids, news), blobs.store(['a'], news)])
  await new Promise((resolve) => setImmediate(resolve))
  expect(started).toEqual(['a', 'b', 'c', 'd'])
  await end('b')
  expect(started).toEqual(ids)
  for (const id of ids) await end(id)
  await stored
})

describe('requests', () => {
  const trigger = (...ids: string[]): Command => ({
    type: 'trigger',
    run: {
      jobName: 'a',
      input: '',
      blobs: ids,
      maxRecoveries: undefined,
      idempotencyKey: undefined,
      concurrencyKey: undefined,
      coalesce: false,
      labels: {},
      priority: 0,
      retry: undefined,
      timeoutMs: undefined,
      startAt: undefined,
      delayMs: undefined,
    },
  })

  function intake() {
    const slow = slowStore()
    const pushed: string[] = []
    const answers: Addressed[] = []
    const blobs = createBlobs({ ...slow, unreferenced: (ids) => ids, onAlive: ignore })
    const taken = createIntake({
      blobs,
      push: (input: Input) => {
        if (input.type === 'client') pushed.push(input.request.requestId)
      },
      answer: (reply) => answers.push(reply),
    })
    return { ...slow, ...taken, pushed, answers }
  }
  const news = new Map(['x', 'y'].map((id) => [id, new Blob([id])]))

  test('wait for their own blobs, and others pass them', async () => {
    const { add, end, pushed } = intake()
    add('c', [{ requestId: '1', command: trigger('x', 'y') }], news)
    add('c', [{ requestId: '2', command: trigger() }], new Map())
    expect(pushed).toEqual(['2'])
    await end('x')
    expect(pushed).toEqual(['2'])
    await end('y')
    expect(pushed).toEqual(['2', '1'])
  })

  test('are answered with the error where a blob cannot be stored, and leave no other blob', async () => {
    const { add, end, pushed, answers, deleted } = intake()
    add('c', [{ requestId: '1', command: trigger('x', 'y') }], news)
    await end('x')
    await end('y', new Error('boom'))
    expect(pushed).toEqual([])
    expect(answers).toMatchObject([
      { clientId: 'c', reply: { requestId: '1', reply: { error: { code: 'internal' } } } },
    ])
    expect(deleted).toEqual(['x', 'y'])
  })

  test('that the engine refuses leave no blob; others keep theirs', async () => {
    const { add, end, answered, deleted } = intake()
    add('c', [{ requestId: '1', command: trigger('x') }], news)
    add('c', [{ requestId: '2', command: trigger('y') }], news)
    await end('x')
    await end('y')
    const error = { code: 'conflict' as const, message: 'No.' }
    answered([
      { clientId: 'c', reply: { requestId: '1', reply: { type: 'error', error } } },
      { clientId: 'c', reply: { requestId: '2', reply: { type: 'run', run: undefined } } },
    ])
    expect(deleted).toEqual(['x'])
  })
})

describe("the order of an executor's messages", () => {
  const about = (seq: number, runId: string): ExecutorEnvelope => ({
    seq,
    message: {
      type: 'report',
      runId,
      generation: 1,
      report: { firstOrdinal: 1, logs: [], progress: undefined },
    },
  })
  const hello: ExecutorEnvelope = {
    seq: 0,
    message: { type: 'hello', buildId: '', jobs: [], slots: 1, holding: [] },
  }
  function lanes() {
    const passed: number[] = []
    const made = createLanes(({ seq }) => passed.push(seq))
    return { passed, add: made.add, close: made.close }
  }
  function gate() {
    let open: (isStored: boolean) => void = ignore
    const stored = new Promise<boolean>((resolve) => {
      open = resolve
    })
    const settle = async (isStored: boolean) => {
      open(isStored)
      await new Promise((resolve) => setImmediate(resolve))
    }
    return { stored, settle }
  }

  test('one run waits, others do not', async () => {
    const { passed, add } = lanes()
    const { stored, settle } = gate()
    add(about(1, 'a'), stored)
    add(about(2, 'a'), null)
    add(about(3, 'b'), null)
    expect(passed).toEqual([3])
    await settle(true)
    expect(passed).toEqual([3, 1, 2])
  })

  test('a later one that is ready first keeps its place', async () => {
    const { passed, add } = lanes()
    const [first, second] = [gate(), gate()]
    add(about(1, 'a'), first.stored)
    add(about(2, 'a'), second.stored)
    await second.settle(true)
    expect(passed).toEqual([])
    await first.settle(true)
    expect(passed).toEqual([1, 2])
  })

  test('a hello overtakes nothing, and nothing overtakes it', async () => {
    const { passed, add } = lanes()
    const { stored, settle } = gate()
    add(about(1, 'a'), stored)
    add(hello, null)
    add(about(2, 'b'), null)
    expect(passed).toEqual([])
    await settle(true)
    expect(passed).toEqual([1, 0, 2])
  })

  test('one that will never be stored lets the others pass', async () => {
    const { passed, add } = lanes()
    const { stored, settle } = gate()
    add(about(1, 'a'), stored)
    add(hello, null)
    add(about(2, 'a'), null)
    await settle(false)
    expect(passed).toEqual([0, 2])
  })

  test('nothing passes after the end', async () => {
    const { passed, add, close } = lanes()
    const { stored, settle } = gate()
    add(about(1, 'a'), stored)
    close()
    await settle(true)
    expect(passed).toEqual([])
  })
})
