import { afterEach, expect, test } from 'vitest'
import { createBlobs } from '../src/engine-worker/blobs/blobs.js'
import { createMemoryBlobs } from '../src/engine-worker/blobs/store.js'
import { createExecutors } from '../src/engine-worker/executors.js'
import type { ExecutorMessage, Input } from '../src/generated/protocol.js'
import { executorLock } from '../src/wire.js'
import { quiet } from './scripted-engine.js'

let close: (() => void)[] = []
afterEach(() => {
  for (const each of close) each()
  close = []
})

/** Locks that a test grants. */
class FakeLocks implements LockManager {
  readonly asked = new Map<string, () => void>()
  async query() {
    return {}
  }
  request<T>(name: string, ...rest: readonly unknown[]): Promise<T> {
    const grant = rest.at(-1)
    return new Promise((resolve) => {
      this.asked.set(name, () => {
        if (typeof grant === 'function') resolve(grant(null))
      })
    })
  }
}

function start() {
  const locks = new FakeLocks()
  const inputs: Input[] = []
  const gone: string[] = []
  const blobs = createBlobs({
    store: createMemoryBlobs(),
    unreferenced: () => [],
    onAlive: () => undefined,
  })
  const executors = createExecutors({
    database: 'test',
    locks,
    push: (input) => inputs.push(input),
    message: (read) => read(),
    onGone: (id) => gone.push(id),
    blobs,
    onPaused: () => undefined,
  })
  const { port1, port2 } = new MessageChannel()
  executors.add('e1', port1)
  close.push(
    () => executors.close(),
    () => port2.close(),
  )
  const released: ExecutorMessage = { type: 'released', runId: 'r', generation: 1 }
  const say = () => {
    const envelopes = [{ seq: 0, message: released }]
    port2.postMessage({ type: 'stepwell:envelopes', envelopes, blobs: [] })
  }
  return { locks, inputs, gone, executors, say, lock: executorLock('test', 'e1') }
}

test('the death of an executor is told to the engine and to the page', async () => {
  const { locks, inputs, gone, say, lock } = start()
  say()
  await quiet()
  locks.asked.get(lock)?.()
  expect(inputs.map(({ type }) => type)).toEqual(['executor', 'executorGone'])
  expect(gone).toEqual(['e1'])
})

test('one that hangs is heard no more, and its death is told to the engine alone: the page ended it', async () => {
  const { locks, inputs, gone, executors, say, lock } = start()
  say()
  await quiet()
  executors.disown('e1')
  say()
  await quiet()
  expect(inputs.map(({ type }) => type)).toEqual(['executor'])
  locks.asked.get(lock)?.()
  expect(inputs.at(-1)).toEqual({ type: 'executorGone', executorId: 'e1' })
  expect(gone).toEqual([])
})
