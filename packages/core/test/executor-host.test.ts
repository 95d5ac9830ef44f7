import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { EngineProcess } from '../src/client/engine.js'
import { createExecutorHost, type ExecutorHostOptions } from '../src/client/executor-host.js'
import { acquireTab, type SharedConfig } from '../src/client/shared.js'
import { isStepwellError, type StepwellError } from '../src/errors.js'
import type { ToEngineWorker } from '../src/wire.js'

/** A module is imported meanwhile, and other tests want the machine too. */
const SLOW = { timeout: 10_000 }

/** A worker that says what a test tells it to say. */
class FakeWorker extends EventTarget implements Worker {
  onmessage = null
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
  ready(): void {
    const data = { type: 'stepwell:executor-ready', jobs: [] }
    this.dispatchEvent(new MessageEvent('message', { data }))
  }
}

let stop: () => void = () => undefined
beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  stop()
  vi.useRealTimers()
})

/** Three executors, of which no worker has said anything yet. */
function start(options: Partial<ExecutorHostOptions> = {}) {
  const workers: FakeWorker[] = []
  const down: (StepwellError | null)[] = []
  const errors: StepwellError[] = []
  const ids: string[] = []
  const replaced: string[] = []
  const spawn = () => {
    const worker = new FakeWorker()
    workers.push(worker)
    return worker
  }
  const engine: EngineProcess = {
    post(message: ToEngineWorker) {
      if (message.type === 'stepwell:replace-executor') replaced.push(message.executorId)
      if (message.type !== 'stepwell:executor') return
      ids.push(message.executorId)
      message.port.close()
    },
    terminate: () => undefined,
    release: async () => undefined,
  }
  const host = createExecutorHost({
    database: 'test',
    executors: 3,
    slots: 1,
    limits: { payloadBytes: 1, logLines: 1 },
    jobs: () => new Map(),
    serializer: () => undefined,
    worker: () => spawn,
    context: () => undefined,
    locks: undefined,
    onError: (error) => errors.push(error),
    onDown: (error) => down.push(error),
    ...options,
  })
  stop = () => host.stop()
  host.connect(engine)
  return { host, engine, workers, down, errors, ids, replaced }
}

describe('several executors', () => {
  test('each has a worker and an id of its own', () => {
    const { workers, ids, host, engine } = start()
    expect(workers).toHaveLength(3)
    expect(new Set(ids).size).toBe(3)
    for (const [i, { received }] of workers.entries()) {
      expect(received).toMatchObject([{ type: 'stepwell:connect', executorId: ids[i] }])
    }
    // A new engine is connected to the same workers, which keep their line to the page.
    host.connect(engine)
    expect(workers).toHaveLength(3)
    expect(workers[0]?.received[0]).toMatchObject({ context: { isUsed: false } })
    expect(workers[0]?.received[1]).toMatchObject({ executorId: ids[0], context: null })
  })

  test('one that dies is replaced alone, and the status is clear when it is back', () => {
    const { host, workers, ids, down, errors } = start()
    for (const worker of workers) worker.ready()
    const [, dead = ''] = ids
    host.gone(dead)
    expect(workers.map(({ isTerminated }) => isTerminated)).toEqual([false, true, false])
    expect(down.at(-1)?.message).toMatch(/worker of the jobs ended/)
    expect(errors).toHaveLength(1)
    vi.runOnlyPendingTimers()
    expect(workers).toHaveLength(4)
    expect(ids).toHaveLength(4)
    expect(ids[3]).not.toBe(dead)
    workers[3]?.ready()
    expect(down.at(-1)).toBeNull()
    expect(workers.map(({ isTerminated }) => isTerminated)).toEqual([false, true, false, false])
  })

  test('one that hangs is ended and replaced at once, alone and without a gap in the status', () => {
    const { host, workers, ids, down, errors } = start()
    for (const worker of workers) worker.ready()
    const told = down.length
    const [, hung = ''] = ids
    host.hung(hung)
    expect(workers.map(({ isTerminated }) => isTerminated)).toEqual([false, true, false, false])
    expect(ids).toHaveLength(4)
    expect(ids[3]).not.toBe(hung)
    expect(down).toHaveLength(told)
    expect(errors).toHaveLength(1)
    expect(isStepwellError(errors[0], 'timeout')).toBe(true)
    // Said again of one that is gone already, it ends nobody.
    host.hung(hung)
    expect(workers).toHaveLength(4)
  })

  test('other code replaces each in good order, and nobody hears of it', () => {
    const { host, workers, ids, down, errors, replaced } = start()
    for (const worker of workers) worker.ready()
    const told = down.length
    host.jobsChanged(false)
    expect(workers).toHaveLength(3)
    host.jobsChanged(true)
    expect(replaced).toEqual(ids.slice(0, 3))
    expect(workers.map(({ isTerminated }) => isTerminated)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ])
    // The engine ends what it let go of: those are gone already.
    for (const id of replaced) host.hung(id)
    expect(workers).toHaveLength(6)
    expect([down.length, errors]).toEqual([told, []])
  })

  test('other code is tried at once where the one before could not be loaded', () => {
    let isBroken = true
    const { host, down } = start({
      executors: 1,
      worker: () => () => {
        if (isBroken) throw new SyntaxError('half an edit')
        return new FakeWorker()
      },
    })
    expect(down.at(-1)?.message).toMatch(/half an edit/)
    isBroken = false
    host.jobsChanged(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('the status is not clear while another one is missing', () => {
    const { host, workers, ids, down } = start()
    for (const worker of workers) worker.ready()
    host.gone(ids[0] ?? '')
    host.gone(ids[1] ?? '')
    vi.runOnlyPendingTimers()
    workers[3]?.ready()
    expect(down.at(-1)).not.toBeNull()
    workers[4]?.ready()
    expect(down.at(-1)).toBeNull()
  })

  test('a worker that is given twice is refused, and the one that has it goes on', () => {
    const only = new FakeWorker()
    const { down, errors } = start({ executors: 2, worker: () => () => only })
    expect(only.isTerminated).toBe(false)
    expect(errors).toHaveLength(1)
    expect(isStepwellError(down.at(-1), 'invalid_input')).toBe(true)
    expect(errors[0]?.message).toMatch(/option worker of createStepwell .* a new one each time/)
  })

  test('a worker option that throws is told, and asked again after a while', () => {
    let calls = 0
    const { down, errors } = start({
      executors: 1,
      worker: () => () => {
        calls += 1
        if (calls === 1) throw new RangeError('no more')
        return new FakeWorker()
      },
    })
    expect(down.at(-1)?.message).toMatch(
      /option worker of createStepwell threw.*RangeError: no more/,
    )
    vi.runOnlyPendingTimers()
    expect(calls).toBe(2)
    expect(errors).toHaveLength(1)
  })
})

describe('jobs that run in the page', { timeout: 30_000 }, () => {
  const inPage = { executors: 1, worker: () => undefined }
  afterEach(() => {
    vi.doUnmock('../src/executor/in-page.js')
  })

  test('code that cannot be loaded is told, and loaded after a while', async () => {
    vi.doMock('../src/executor/in-page.js', () => {
      throw new TypeError('gone with a deployment')
    })
    const { down, errors } = start(inPage)
    await vi.waitFor(() => expect(errors).toHaveLength(1), SLOW)
    expect(isStepwellError(down.at(-1), 'faulted')).toBe(true)
    expect(errors[0]?.message).toMatch(/runs jobs in this page could not be loaded.*Reload/)
    vi.doUnmock('../src/executor/in-page.js')
    vi.runOnlyPendingTimers()
    await vi.waitFor(() => expect(down.at(-1)).toBeNull(), SLOW)
    expect(errors).toHaveLength(1)
  })

  test('an executor that is stopped while its code is loaded never starts', async () => {
    const { host, down, errors } = start(inPage)
    host.stop()
    await import('../src/executor/in-page.js')
    await Promise.resolve()
    expect(down).toEqual([])
    expect(errors).toEqual([])
  })
})

test('clients of one database agree on the executors, and each may bring a context', () => {
  const config: SharedConfig = {
    database: 'agree',
    durability: 'strict',
    storage: 'memory',
    concurrency: 1,
    executors: 2,
    worker: () => new FakeWorker(),
    engineWorker: undefined,
    wasmUrl: null,
    standby: false,
    context: undefined,
    jobs: new Map(),
    serializer: undefined,
    limits: { payloadBytes: 1, logLines: 1 },
    retentionMs: null,
  }
  const { tab } = acquireTab(config)
  expect(acquireTab({ ...config, context: () => 'new' }).tab).toBe(tab)
  expect(() => acquireTab({ ...config, executors: 3 })).toThrow(
    /with executors 2, and this client has executors 3/,
  )
})
