/** `subscribe`: a snapshot, then every event once, whatever comes in between. */
import { describe, expect, test } from 'vitest'
import { createCommands } from '../src/client/commands.js'
import { createCodec } from '../src/codec/codec.js'
import { StepwellError } from '../src/errors.js'
import type { Command, Reply, Run, RunEvent, Step, WaitingFor } from '../src/generated/protocol.js'
import { eventHead, greetRun, scriptedConnection } from './scripted-connection.js'
import { quiet } from './scripted-engine.js'

/** An engine whose answers wait until the test lets them go. */
function held() {
  let run: Run | undefined = greetRun({ status: 'running', version: 5 })
  let steps: Step[] = []
  const waiting: (() => void)[] = []
  const answer = (command: Command): Reply =>
    command.type === 'getRun' ? { type: 'run', run } : { type: 'steps', steps }
  const script = scriptedConnection(
    (command) => new Promise((resolve) => waiting.push(() => resolve(answer(command)))),
  )
  const subscription = createCommands(script.connection, new Map(), createCodec()).subscribe(
    'run-1',
  )
  return {
    ...script,
    subscription,
    set(next: Run | undefined, nextSteps: Step[] = []) {
      run = next
      steps = nextSteps
    },
    /** Lets what was asked be answered as things stand now. */
    async answer() {
      for (const go of waiting.splice(0)) go()
      await quiet()
    },
    /** The next item, which must be there already or come with the answer. */
    async next() {
      const { value } = await subscription.next()
      return value === undefined ? 'done' : value
    },
  }
}
type Held = ReturnType<typeof held>

/** Takes the first snapshot. */
async function live(): Promise<Held> {
  const script = held()
  const first = script.next()
  await script.answer()
  expect(await first).toMatchObject({ type: 'snapshot', run: { version: 5, status: 'running' } })
  return script
}

/** What is left, until the subscription ends. */
async function rest({ subscription }: Held): Promise<string[]> {
  const types: string[] = []
  for await (const update of subscription) types.push(update.type)
  return types
}

const progress = (current: number, version = 5): RunEvent => ({
  ...eventHead(version),
  type: 'run:progress',
  progress: { current, total: undefined, message: undefined },
})
const line = (id: number, message = 'x', version = 5): RunEvent => ({
  ...eventHead(version),
  type: 'log:write',
  truncated: false,
  log: {
    id,
    runId: 'run-1',
    level: 'info',
    message,
    data: undefined,
    stepName: undefined,
    attempt: 1,
    timestamp: 1,
  },
})
const stepStart = (version: number, attempt = 1): RunEvent => ({
  ...eventHead(version),
  type: 'step:start',
  stepName: 'a',
  attempt,
})
const stepComplete = (version: number, completedIndex = 0): RunEvent => ({
  ...eventHead(version),
  type: 'step:complete',
  stepName: 'a',
  stepKind: 'run',
  attempt: 1,
  completedIndex,
  startedAt: 1,
})
const sleeping: WaitingFor = { kind: 'sleep', stepName: 'a', until: 9 }
const stepWait = (version: number): RunEvent => ({
  ...eventHead(version),
  type: 'step:wait',
  stepName: 'a',
  stepKind: 'sleep',
  attempt: 1,
  waitingFor: sleeping,
  startedAt: 1,
})
const stepWake = (version: number): RunEvent => ({
  ...eventHead(version),
  type: 'step:wake',
  stepName: 'a',
  attempt: 1,
})
const complete = (version: number): RunEvent => ({
  ...eventHead(version, 'completed'),
  type: 'run:complete',
})
const deleted = (version: number): RunEvent => ({
  ...eventHead(version, 'completed'),
  type: 'run:delete',
})
const open = { completedIndex: undefined, completedAt: undefined }
const stored = (rest: Partial<Step> = {}): Step => ({
  name: 'a',
  kind: 'run',
  status: 'completed',
  completedIndex: 0,
  attempt: 1,
  output: undefined,
  error: undefined,
  firstAttempt: 1,
  waitingFor: undefined,
  children: [],
  startedAt: 1,
  completedAt: 2,
  ...rest,
})

describe('subscribe', () => {
  test('nothing is asked before the first next, and nothing listens after the end', async () => {
    const script = held()
    await quiet()
    expect([script.sent.length, script.listeners()]).toEqual([0, 0])
    const first = script.next()
    expect(script.listeners()).toBe(1)
    await script.answer()
    await first
    script.emit(stepStart(5), complete(6))
    expect(script.listeners()).toBe(0)
    expect(await rest(script)).toEqual(['step:start', 'run:complete'])
    expect(await script.subscription.next()).toEqual({ done: true, value: undefined })
  })

  test('a run that has ended is a snapshot, and that is all', async () => {
    const script = held()
    script.set(greetRun({ status: 'cancelled', completedAt: 3 }))
    const all = rest(script)
    await script.answer()
    expect(await all).toEqual(['snapshot'])
  })

  test.each([
    ['run:complete', complete(6)],
    ['run:fail', { ...eventHead(6, 'failed'), type: 'run:fail', errorCode: 'error' }],
    ['run:cancel', { ...eventHead(6, 'cancelled'), type: 'run:cancel' }],
    ['run:delete', deleted(6)],
  ] as const)('ends after %s', async (type, event) => {
    const script = await live()
    script.emit(event, line(9))
    expect(await rest(script)).toEqual([type])
  })

  test('events of other runs are not told', async () => {
    const script = await live()
    script.emit({ ...complete(9), runId: 'run-2' }, stepStart(5), complete(6))
    expect(await rest(script)).toEqual(['step:start', 'run:complete'])
  })

  test('an unknown run is not_found, and then all is over', async () => {
    const script = held()
    script.set(undefined)
    const first = script.subscription.next()
    const refused = expect(first).rejects.toMatchObject({ code: 'not_found' })
    await script.answer()
    await refused
    expect(await script.subscription.next()).toEqual({ done: true, value: undefined })
    expect(script.listeners()).toBe(0)
  })

  test('what came before the snapshot was read is not told again, what came after it is', async () => {
    const script = held()
    const first = script.next()
    script.emit(stepStart(5), progress(1), stepComplete(5, 0), line(1, 'older', 4))
    script.emit(progress(2), progress(3, 6), stepComplete(6, 1), complete(7))
    script.set(
      greetRun({
        status: 'running',
        version: 5,
        progress: { current: 2, total: undefined, message: undefined },
      }),
      [stored()],
    )
    await script.answer()
    expect(await first).toMatchObject({ type: 'snapshot', steps: [{ name: 'a' }] })
    expect(await rest(script)).toEqual(['run:progress', 'step:complete', 'run:complete'])
  })

  test.each([
    ['a progress that the snapshot shows', progress(2), []],
    ['another progress', progress(3), ['run:progress']],
    ['a step that the snapshot shows as running', stepStart(5), []],
    ['the next attempt of it', stepStart(5, 2), ['step:start']],
    ['its outcome', stepComplete(6), ['step:complete']],
    ['a line of the same version', line(1), ['log:write']],
    ['a line of an older version', line(1, 'x', 4), []],
    ['its start', { ...eventHead(5), type: 'run:start', attempt: 1 }, []],
    [
      'its resumption',
      { ...eventHead(6), type: 'run:resume', attempt: 1, recoveries: 1 },
      ['run:resume'],
    ],
    ['its wait', stepWait(6), ['step:wait']],
    ['its wake', stepWake(6), ['step:wake']],
    [
      'the wait of the run',
      { ...eventHead(6, 'waiting'), type: 'run:wait', waitingFor: sleeping },
      ['run:wait'],
    ],
  ] as [string, RunEvent, string[]][])('during the read: %s', async (_what, event, told) => {
    const script = held()
    const shown = { current: 2, total: undefined, message: undefined }
    script.set(greetRun({ status: 'running', version: 5, progress: shown }), [
      stored({ status: 'running', completedIndex: undefined, completedAt: undefined }),
    ])
    const first = script.next()
    script.emit(event)
    await script.answer()
    await first
    script.emit(complete(9))
    expect(await rest(script)).toEqual([...told, 'run:complete'])
  })

  test('steps that were read a commit later than the run are not told twice', async () => {
    const script = held()
    const first = script.next()
    script.set(greetRun({ status: 'running', version: 5 }), [stored()])
    script.emit(stepComplete(6))
    await script.answer()
    await first
    script.emit(complete(7))
    expect(await rest(script)).toEqual(['run:complete'])
  })

  test.each([
    ['a wait', stepWait(6), stored({ status: 'waiting', waitingFor: sleeping, ...open })],
    ['a wake', stepWake(6), stored({ status: 'pending', ...open })],
  ])('nor is %s', async (_what, event, step) => {
    const script = held()
    const first = script.next()
    script.set(greetRun({ status: 'running', version: 5 }), [step])
    script.emit(event)
    await script.answer()
    await first
    script.emit(complete(7))
    expect(await rest(script)).toEqual(['run:complete'])
  })

  test('what a run and a step wait for is told as they show it', async () => {
    const script = await live()
    const waitingFor: WaitingFor = { kind: 'signal', stepName: 'a', key: 'k', until: undefined }
    script.emit({ ...eventHead(5, 'waiting'), type: 'run:wait', waitingFor })
    expect(await script.next()).toMatchObject({
      type: 'run:wait',
      waitingFor: { key: 'k', until: null },
    })
  })

  test('over an engine restart comes a fresh snapshot, after what had come before', async () => {
    const script = await live()
    script.emit(stepStart(5))
    script.reset()
    // Told by the old engine, or by the new one before the answer: the snapshot knows.
    script.emit(stepComplete(6))
    script.set(greetRun({ status: 'running', version: 6 }), [stored()])
    await script.answer()
    expect(await script.next()).toMatchObject({ type: 'step:start' })
    expect(await script.next()).toMatchObject({ type: 'snapshot', run: { version: 6 } })
    script.emit(complete(7))
    expect(await rest(script)).toEqual(['run:complete'])
  })

  test('a second restart while the first is read: one snapshot', async () => {
    const script = await live()
    script.reset()
    script.reset()
    script.set(greetRun({ status: 'completed', output: '1', completedAt: 3, version: 7 }))
    await script.answer()
    expect(await rest(script)).toEqual(['snapshot'])
  })

  test('a run that a restart did not find again is not_found; one whose deletion was told ends', async () => {
    const lost = await live()
    lost.set(undefined)
    lost.reset()
    const refused = expect(lost.subscription.next()).rejects.toMatchObject({ code: 'not_found' })
    await lost.answer()
    await refused

    const told = await live()
    told.set(undefined)
    told.reset()
    told.emit(deleted(9))
    await told.answer()
    expect(await rest(told)).toEqual(['run:delete'])
  })

  test('of several progress events that wait only the latest is told', async () => {
    const script = await live()
    for (let i = 0; i < 10_000; i++) script.emit(progress(i))
    script.emit(line(1), complete(6))
    expect(await script.next()).toMatchObject({ type: 'run:progress', progress: { current: 9999 } })
    expect(await rest(script)).toEqual(['log:write', 'run:complete'])
  })

  test('10,000 lines in one message all come', async () => {
    const script = await live()
    script.emit(...Array.from({ length: 10_000 }, (_, i) => line(i)), complete(6))
    expect(await rest(script)).toHaveLength(10_001)
  })

  test('who is too far behind is given a snapshot instead, and nothing is kept meanwhile', async () => {
    const script = await live()
    const text = 'x'.repeat(100_000)
    for (let i = 0; i < 100; i++) script.emit(line(i, text))
    script.emit(stepComplete(6))
    script.set(greetRun({ status: 'running', version: 6 }), [stored()])
    const asked = script.sent.length
    const next = script.next()
    expect(script.sent.length).toBe(asked + 2)
    await script.answer()
    expect(await next).toMatchObject({ type: 'snapshot', run: { version: 6 } })
    script.emit(complete(7))
    expect(await rest(script)).toEqual(['run:complete'])
  })

  test('one message that is too long, while the caller waits, is a snapshot too', async () => {
    const script = await live()
    const next = script.next()
    script.emit(...Array.from({ length: 100 }, (_, i) => line(i, 'x'.repeat(100_000))))
    script.set(greetRun({ status: 'completed', output: '1', completedAt: 3, version: 7 }))
    await script.answer()
    expect(await next).toMatchObject({ type: 'snapshot', run: { status: 'completed' } })
  })

  test('who is behind is told of a deletion, for no snapshot could', async () => {
    const script = await live()
    for (let i = 0; i < 100; i++) script.emit(line(i, 'x'.repeat(100_000)))
    script.emit(complete(6), deleted(6))
    expect(await rest(script)).toEqual(['run:delete'])
  })

  test('more events than fit during a read: it is read again', async () => {
    const script = held()
    const first = script.next()
    for (let i = 0; i < 100; i++) script.emit(line(i, 'x'.repeat(100_000)))
    await script.answer()
    script.set(greetRun({ status: 'running', version: 8 }))
    await script.answer()
    expect(await first).toMatchObject({ type: 'snapshot', run: { version: 8 } })
  })

  test('return unsubscribes, ends whoever waits, and is repeatable', async () => {
    const script = await live()
    const waiting = script.subscription.next()
    script.emit()
    await script.subscription.return()
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(script.listeners()).toBe(0)
    script.emit(complete(6))
    expect(await script.subscription.next()).toEqual({ done: true, value: undefined })
    await script.subscription.return()
  })

  test('leaving a loop unsubscribes', async () => {
    const script = held()
    const looped = (async () => {
      for await (const update of script.subscription) return update.type
      return 'none'
    })()
    await script.answer()
    expect(await looped).toBe('snapshot')
    expect(script.listeners()).toBe(0)
  })

  test('what came before the connection was lost is told before its error', async () => {
    const script = await live()
    script.emit(stepStart(5))
    const error = new StepwellError('faulted', 'The engine crashed 3 times.')
    script.status.set({ ...script.status.get(), state: 'unavailable', error })
    expect(await script.next()).toMatchObject({ type: 'step:start' })
    await expect(script.subscription.next()).rejects.toBe(error)
    expect(await script.subscription.next()).toEqual({ done: true, value: undefined })
  })

  test('several calls of next are answered in order', async () => {
    const script = held()
    const three = [script.next(), script.next(), script.next(), script.next()]
    await script.answer()
    script.emit(stepStart(5), complete(6))
    const items = await Promise.all(three)
    expect(items.map((item) => (item === 'done' ? item : item.type))).toEqual([
      'snapshot',
      'step:start',
      'run:complete',
      'done',
    ])
  })
})
