/** ACCEPTANCE B6, D2, E2: who listens, or waits, is told all, whatever other listeners do and whatever a line has. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createCommands } from '../src/client/commands.js'
import { triggerAndWait } from '../src/client/trigger-and-wait.js'
import { createCodec } from '../src/codec/codec.js'
import type { EventBody, LogLine, Reply, Run, RunEvent } from '../src/generated/protocol.js'
import { observeLogs, observeRun } from '../src/index.js'
import { defineJob } from '../src/job.js'
import { settled, stubFrames } from './scripted-client.js'
import { eventHead, greetRun, scriptedConnection } from './scripted-connection.js'
import { clientOn } from './scripted-front.js'

const greet = defineJob({ name: 'greet', run: (_step, input: number) => input })
const codec = createCodec()
const { stringify, parse } = JSON
const foreign = createCodec({ serializer: { name: 'elsewhere', stringify, parse } })
const NO_SERIALIZER = expect.stringMatching(/^The data could not be read\. .*"elsewhere"/)

const reported = vi.fn()
beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('reportError', reported)
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  reported.mockClear()
})

/** A line whose data were made by a serializer that is not here. */
function line(id: number, message: string): LogLine {
  const data = foreign.encode({ by: 'a worker' }, 'the data').payload
  const place = { runId: 'run-1', stepName: undefined, attempt: 1, timestamp: 1 }
  return { id, level: 'info', message, data, ...place }
}
const written = (log: LogLine): RunEvent => ({
  ...eventHead(5 + log.id),
  type: 'log:write',
  log,
  truncated: false,
})
const completed = (): RunEvent => ({ ...eventHead(9, 'completed'), type: 'run:complete' })

/** An engine with one run, and its client. */
function engine(stored: LogLine[] = []) {
  let now = greetRun({ status: 'running', version: 5 })
  const answer = (type: string): Reply => {
    if (type === 'getRun') return { type: 'run', run: now }
    if (type === 'getSteps') return { type: 'steps', steps: [] }
    return { type: 'logs', page: { logs: stored, nextCursor: undefined } }
  }
  const script = scriptedConnection(({ type }) => answer(type))
  return {
    ...script,
    commands: createCommands(script.connection, new Map([['greet', greet]]), codec),
    client: clientOn(script, { greet }),
    set(next: Partial<Run>) {
      now = greetRun(next)
    },
  }
}

describe('on', () => {
  const sleeping = { kind: 'sleep' as const, stepName: 's', until: 9 }
  const step = { stepName: 's', attempt: 1 }
  test.each<EventBody>([
    { type: 'run:wait', waitingFor: sleeping },
    { type: 'run:resume', attempt: 2, recoveries: 0 },
    { type: 'step:wait', ...step, stepKind: 'sleep', waitingFor: sleeping, startedAt: 1 },
    { type: 'step:retry', ...step, errorCode: 'error', until: 9 },
    { type: 'step:wake', ...step },
    { type: 'step:cancel', ...step },
  ])('$type is told to who listens to it, and to who listens to all', (body) => {
    const { client, emit } = engine()
    const heard: unknown[] = []
    client.on(body.type, (event: unknown) => heard.push(event))
    client.on('*', (event: unknown) => heard.push(event))
    const event = { ...eventHead(5), ...body }
    emit(event)
    expect(heard).toEqual([event, event])
  })

  test('a listener that throws harms nobody, and what it throws is reported', () => {
    const { client, emit } = engine()
    const told: string[] = []
    const bug = new RangeError('a bug of the listener')
    client.on('run:complete', () => {
      throw bug
    })
    client.on('run:complete', () => told.push('second'))
    client.on('*', () => told.push('all'))
    emit(written(line(1, 'one')), completed())
    expect(told).toEqual(['all', 'second', 'all'])
    expect(reported.mock.calls).toEqual([[bug]])
  })

  test('a listener that is off is not told, also in the midst of an event; off twice is harmless', () => {
    const { client, emit } = engine()
    const told: string[] = []
    const offs: (() => void)[] = []
    client.on('*', () => {
      for (const off of offs) off()
    })
    offs.push(
      client.on('*', () => told.push('off')),
      client.on('run:complete', () => told.push('own')),
    )
    emit(completed())
    emit(completed())
    expect(told).toEqual(['own'])
  })
})

describe('a line whose data cannot be read here', () => {
  test('on: it is told, and so is what came with it', () => {
    const { client, emit } = engine()
    const told: unknown[] = []
    client.on('*', (event: unknown) => told.push(event))
    emit(written(line(1, 'one')), completed())
    expect(told).toMatchObject([
      { type: 'log:write', log: { message: 'one', data: NO_SERIALIZER } },
      { type: 'run:complete' },
    ])
    expect(reported).not.toHaveBeenCalled()
  })

  test('waitForRun: it is told, and the end is not missed', async () => {
    const { commands, emit, set } = engine()
    const lines: unknown[] = []
    const ended = commands.waitForRun('run-1', { onLog: (log) => lines.push(log) })
    await settled()
    set({ status: 'completed', version: 9, output: '1' })
    emit(written(line(1, 'one')), completed())
    expect(await ended).toMatchObject({ status: 'completed', output: 1 })
    expect(lines).toMatchObject([{ message: 'one', data: NO_SERIALIZER }])
  })

  test('subscribe: it is told, and the end is not missed', async () => {
    const { commands, emit } = engine()
    const subscription = commands.subscribe('run-1')
    expect((await subscription.next()).value).toMatchObject({ type: 'snapshot' })
    const [first, second, third] = [subscription.next(), subscription.next(), subscription.next()]
    emit(written(line(1, 'one')), completed())
    expect((await first)?.value).toMatchObject({ log: { message: 'one', data: NO_SERIALIZER } })
    expect((await second)?.value).toMatchObject({ type: 'run:complete' })
    expect(await third).toMatchObject({ done: true })
  })

  test('getLogs: the others of its page can be read', async () => {
    const lines = [line(1, 'one'), { ...line(2, 'two'), data: '{"a":1}' }]
    const { logs } = await engine(lines).commands.getLogs('run-1', {})
    expect(logs).toMatchObject([{ data: NO_SERIALIZER }, { data: { a: 1 } }])
  })

  test('useRunLogs: it is shown, and so are the others', async () => {
    const frames = stubFrames()
    const { client, emit, status } = engine([line(1, 'zero')])
    status.set({ ...status.get(), state: 'ready' })
    const observer = observeLogs(client, 'run-1')
    const off = observer.subscribe(() => undefined)
    await settled()
    emit(written(line(2, 'one')), written({ ...line(3, 'two'), data: undefined }))
    await frames.drain()
    expect(observer.get()).toMatchObject({
      status: 'ready',
      logs: [
        { message: 'zero', data: NO_SERIALIZER },
        { message: 'one', data: NO_SERIALIZER },
        { message: 'two' },
      ],
    })
    off()
  })
})

describe('waitForRun', () => {
  test('asks once and then waits for an event, however long', async () => {
    const { commands, sent, emit, set } = engine()
    const ended = commands.waitForRun('run-1', {})
    await vi.advanceTimersByTimeAsync(86_400_000)
    expect(sent.map(({ type }) => type)).toEqual(['getRun'])
    set({ status: 'completed', version: 9, output: '1' })
    emit(completed())
    expect(await ended).toMatchObject({ status: 'completed' })
    expect(sent).toHaveLength(2)
  })

  test('gives up at its timeout to the millisecond, and listens to nothing more', async () => {
    const { commands, listeners } = engine()
    const outcome = commands.waitForRun('run-1', { timeout: '5s' }).catch((error) => error)
    const settledAt = outcome.then(() => Date.now())
    const start = Date.now()
    await vi.advanceTimersByTimeAsync(4_999)
    expect(listeners()).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(await outcome).toMatchObject({ code: 'timeout' })
    expect((await settledAt) - start).toBe(5_000)
    expect(listeners()).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('under a signal that was aborted before, nothing is asked', async () => {
    const { commands, sent, listeners } = engine()
    const reason = new RangeError('mine')
    const signal = AbortSignal.abort(reason)
    await expect(commands.waitForRun('run-1', { signal })).rejects.toBe(reason)
    expect(sent).toEqual([])
    expect(listeners()).toBe(0)
  })

  test('triggerAndWait under a signal that was aborted before triggers nothing', async () => {
    const { commands, sent } = engine()
    const reason = new RangeError('mine')
    const options = { signal: AbortSignal.abort(reason) }
    await expect(triggerAndWait(commands, 'greet', 1, options)).rejects.toBe(reason)
    expect(sent).toEqual([])
  })

  test('callbacks that throw are reported, and the end is told all the same', async () => {
    const { commands, emit, set } = engine()
    const bug = new RangeError('a bug of the callback')
    const onProgress = () => {
      throw bug
    }
    const ended = commands.waitForRun('run-1', { onProgress, onLog: onProgress })
    await settled()
    set({ status: 'failed', version: 9 })
    emit(
      {
        ...eventHead(6),
        type: 'run:progress',
        progress: { current: 1, total: 2, message: undefined },
      },
      written({ ...line(1, 'one'), data: undefined }),
      { ...eventHead(9, 'failed'), type: 'run:fail', errorCode: 'error' },
    )
    expect(await ended).toMatchObject({ status: 'failed' })
    expect(reported.mock.calls).toEqual([[bug], [bug]])
  })
})

/** An engine that counts how much it is asked at once. */
function counting() {
  let open = 0
  let most = 0
  let status: Run['status'] = 'running'
  const script = scriptedConnection(async ({ type }) => {
    open += 1
    most = Math.max(most, open)
    await settled()
    open -= 1
    if (type === 'getSteps') return { type: 'steps', steps: [] }
    return { type: 'run', run: greetRun({ status, version: 5, output: '1' }) }
  })
  script.status.set({ ...script.status.get(), state: 'ready' })
  return {
    ...script,
    commands: createCommands(script.connection, new Map(), codec),
    client: clientOn(script, {}),
    most: () => most,
    end() {
      status = 'completed'
      script.reset()
    },
  }
}

/** Seconds of work where other tests want the machine too. */
const HEAVY = { timeout: 30_000 }

describe('thousands never meet the limit on open commands, also when the engine restarts', () => {
  const COUNT = 3000

  test('of waits', HEAVY, async () => {
    const { commands, sent, most, end, listeners } = counting()
    const waits = Array.from({ length: COUNT }, () => commands.waitForRun('run-1', {}))
    await vi.advanceTimersByTimeAsync(1000)
    expect(sent).toHaveLength(COUNT)
    end()
    for (const run of await Promise.all(waits)) expect(run.status).toBe('completed')
    expect(most()).toBeLessThan(1000)
    expect(listeners()).toBe(0)
  })

  test('of subscriptions', HEAVY, async () => {
    const { commands, most, end } = counting()
    const all = Array.from({ length: COUNT }, () => commands.subscribe('run-1'))
    await Promise.all(all.map((subscription) => subscription.next()))
    end()
    for (const { value } of await Promise.all(all.map((subscription) => subscription.next()))) {
      expect(value).toMatchObject({ type: 'snapshot', run: { status: 'completed' } })
    }
    expect(most()).toBeLessThan(1000)
  })

  test('of useRun', HEAVY, async () => {
    const frames = stubFrames()
    const { client, most, end } = counting()
    const observers = Array.from({ length: COUNT }, (_, i) => observeRun(client, `run-${i}`))
    const offs = observers.map((observer) => observer.subscribe(() => undefined))
    await vi.advanceTimersByTimeAsync(1000)
    end()
    await vi.advanceTimersByTimeAsync(1000)
    await frames.next()
    for (const observer of observers) expect(observer.get().status).toBe('completed')
    expect(most()).toBeLessThan(1000)
    for (const off of offs) off()
  })
})
