import { describe, expect, test } from 'vitest'
import type { UntypedRun } from '../src/client/convert.js'
import type { EventBody, RunEvent, RunStatus } from '../src/generated/protocol.js'
import { appendLines, prependLines } from '../src/observers/logs-parts.js'
import { type RunSnapshot, reduceRow, reduceRun } from '../src/observers/reduce.js'
import { runState } from '../src/observers/run-state.js'
import type { LogLine, Step } from '../src/types.js'

const base = {
  id: 'r',
  jobName: 'job',
  input: 1,
  progress: null,
  attempt: 1,
  version: 5,
  recoveries: 0,
  stepCount: 0,
  logCount: 0,
  labels: {},
  priority: 0,
  idempotencyKey: null,
  concurrencyKey: null,
  retry: { maxAttempts: 1, initialDelayMs: 1000, factor: 2, maxDelayMs: 60_000, jitter: 0.2 },
  timeoutMs: null,
  parentId: null,
  parentStep: null,
  childIndex: null,
  rootId: 'r',
  createdAt: 100,
  startAt: 100,
  updatedAt: 100,
  startedAt: null,
}
const pending: UntypedRun = { ...base, status: 'pending', completedAt: null }
const running: UntypedRun = { ...base, status: 'running', startedAt: 110, completedAt: null }
const completed: UntypedRun = { ...base, status: 'completed', completedAt: 120, output: 'x' }

function step(name: string, status: Step['status'], completedIndex: number | null): Step {
  const completedAt = completedIndex === null ? null : 130
  return { name, kind: 'run', status, completedIndex, attempt: 1, startedAt: 120, completedAt }
}
const STATUS: Partial<Record<EventBody['type'], RunStatus>> = {
  'run:trigger': 'pending',
  'run:retry': 'pending',
  'run:complete': 'completed',
  'run:fail': 'failed',
  'run:cancel': 'cancelled',
  'run:wait': 'waiting',
}
function event(version: number, body: EventBody): RunEvent {
  const head = {
    sequence: 1,
    timestamp: 200,
    runId: 'r',
    jobName: 'job',
    labels: {},
    parentId: undefined,
  }
  return { ...head, status: STATUS[body.type] ?? 'running', version, ...body }
}
const start = (version: number) => event(version, { type: 'run:start', attempt: 1 })
const stepStart = (version: number, stepName: string, attempt = 1) =>
  event(version, { type: 'step:start', stepName, attempt })
const stepComplete = (version: number, stepName: string, completedIndex: number) =>
  event(version, {
    type: 'step:complete',
    stepName,
    stepKind: 'run',
    attempt: 1,
    completedIndex,
    startedAt: 150,
  })

function reduced(run: UntypedRun, steps: readonly Step[], ...events: RunEvent[]) {
  let snapshot: RunSnapshot = { run, steps }
  let isStale = false
  for (const each of events) {
    const result = reduceRun(snapshot, each)
    snapshot = result.snapshot
    isStale ||= result.isStale
  }
  return { ...snapshot, isStale }
}
const names = (steps: readonly Step[]) => steps.map(({ name, status }) => `${name} ${status}`)

describe('events of a run', () => {
  test('start and resume make it running', () => {
    expect(reduced(pending, [], start(6)).run).toMatchObject({
      status: 'running',
      startedAt: 200,
      updatedAt: 200,
      version: 6,
    })
    const resume = event(6, { type: 'run:resume', attempt: 1, recoveries: 2 })
    const result = reduced(running, [step('a', 'completed', 0), step('b', 'running', null)], resume)
    expect(result.run).toMatchObject({ status: 'running', startedAt: 110, recoveries: 2 })
    expect(names(result.steps)).toEqual(['a completed'])
  })

  test('cancel ends it', () => {
    const result = reduced(running, [step('b', 'running', null)], event(6, { type: 'run:cancel' }))
    expect(result.run).toMatchObject({ status: 'cancelled', completedAt: 200 })
    expect(result.steps).toEqual([])
    expect(result.isStale).toBe(false)
  })

  test.each([
    event(6, { type: 'run:complete' }),
    event(6, { type: 'run:fail', errorCode: 'error' }),
    event(6, { type: 'run:retry', attempt: 2 }),
    event(6, {
      type: 'step:fail',
      stepName: 'a',
      stepKind: 'run',
      attempt: 1,
      completedIndex: 0,
      startedAt: 1,
      errorCode: 'error',
    }),
  ])('$type has to be read', (told) => {
    const result = reduced(running, [], told)
    expect(result.isStale).toBe(true)
    expect(result.run).toBe(running)
  })

  test.each([
    start(5),
    start(4),
    event(5, { type: 'run:complete' }),
    event(5, { type: 'run:cancel' }),
    event(4, { type: 'run:progress', progress: { current: 1, total: 2, message: undefined } }),
    stepStart(4, 'a'),
    stepComplete(4, 'a', 0),
    event(9, { type: 'run:trigger' }),
  ])('what was read before it was told changes nothing: $type of version $version', (told) => {
    const steps: readonly Step[] = []
    const result = reduced(completed, steps, told)
    expect(result.run).toBe(completed)
    expect(result.steps).toBe(steps)
    expect(result.isStale).toBe(false)
  })

  test('an end that has the version of the progress it was reported with has to be read', () => {
    const progress = { current: 1, total: 2, message: undefined }
    const told = [event(6, { type: 'run:progress', progress }), event(6, { type: 'run:complete' })]
    expect(reduced(running, [], ...told)).toMatchObject({ isStale: true, run: { progress } })
  })

  test('progress, which may ride on a version that is known', () => {
    const progress = { current: 1, total: 2, message: 'x' }
    expect(reduced(running, [], event(5, { type: 'run:progress', progress })).run.progress).toEqual(
      progress,
    )
  })
})

describe('events of steps', () => {
  test('start, complete: in the order of outcomes, running ones last', () => {
    const result = reduced(
      running,
      [],
      stepStart(5, 'a'),
      stepStart(5, 'b'),
      stepStart(5, 'c'),
      stepComplete(6, 'b', 0),
      stepComplete(7, 'a', 1),
    )
    expect(names(result.steps)).toEqual(['b completed', 'a completed', 'c running'])
    expect(result.steps[1]).toMatchObject({ completedIndex: 1, startedAt: 150, completedAt: 200 })
    expect(result.run).toMatchObject({ version: 7, stepCount: 2 })
  })

  test('told twice is told once', () => {
    const once = reduced(running, [], stepStart(5, 'a'), stepComplete(6, 'a', 0))
    const twice = reduced(once.run, once.steps, stepStart(6, 'a'), stepComplete(6, 'a', 0))
    expect(twice.steps).toBe(once.steps)
    expect(twice.run).toBe(once.run)
  })

  test('a step that failed and is retried runs again', () => {
    const result = reduced(running, [step('a', 'pending', null)], stepStart(5, 'a', 2))
    expect(result.steps).toMatchObject([{ name: 'a', status: 'running', attempt: 2 }])
  })

  test('a start that is told after the run has ended', () => {
    expect(reduced(completed, [], stepStart(5, 'a')).steps).toEqual([])
  })
})

describe('a run of a list, without its steps', () => {
  const progress = { current: 1, total: 2, message: undefined }

  test('a failed step has to be read for its message, and here it is only counted', () => {
    const failed = event(6, {
      type: 'step:fail',
      stepName: 'a',
      stepKind: 'run',
      attempt: 1,
      completedIndex: 2,
      startedAt: 1,
      errorCode: 'error',
    })
    const result = reduceRow(running, failed)
    expect(result).toMatchObject({ isStale: false, run: { version: 6, stepCount: 1 } })
    expect(reduceRow(result.run, failed).run).toBe(result.run)
  })

  test.each([
    stepStart(5, 'a'),
    stepComplete(5, 'a', 0),
    start(5),
    event(5, { type: 'run:progress', progress }),
    event(9, { type: 'run:trigger' }),
  ])('what says nothing new keeps its reference: $type', (told) => {
    const run = { ...running, progress }
    expect(reduceRow(run, told)).toEqual({ run, isStale: false })
    expect(reduceRow(run, told).run).toBe(run)
  })

  test('an end has to be read', () => {
    expect(reduceRow(running, event(6, { type: 'run:complete' })).isStale).toBe(true)
    expect(reduceRow(running, event(6, { type: 'run:cancel' }))).toMatchObject({
      isStale: false,
      run: { status: 'cancelled' },
    })
  })
})

test('each status has its literals', () => {
  const shown = (run: UntypedRun) => {
    const { status, isLoading, isActive, isTerminal, output } = runState({ run, steps: [] })
    return { status, isLoading, isActive, isTerminal, output }
  }
  const active = { isLoading: false, isActive: true, isTerminal: false, output: undefined }
  expect(shown(pending)).toEqual({ status: 'pending', ...active })
  expect(shown(running)).toEqual({ status: 'running', ...active })
  expect(shown(completed)).toEqual({
    status: 'completed',
    isLoading: false,
    isActive: false,
    isTerminal: true,
    output: 'x',
  })
})

describe('log lines', () => {
  const line = (id: number): LogLine => ({
    id,
    runId: 'r',
    level: 'info',
    message: `${id}`,
    stepName: null,
    attempt: 1,
    timestamp: id,
  })
  const lines = (...ids: number[]) => ({
    logs: ids.map(line),
    droppedCount: 0,
    hasOlder: false,
  })
  const idsOf = ({ logs }: { logs: readonly LogLine[] }) => logs.map(({ id }) => id)

  test('known ones are not added again', () => {
    const before = lines(1, 2)
    expect(appendLines(before, [line(1), line(2)], 10)).toBe(before)
    expect(idsOf(appendLines(before, [line(2), line(3)], 10))).toEqual([1, 2, 3])
  })

  test('over the limit the oldest are dropped and counted', () => {
    const after = appendLines(lines(1, 2, 3), [line(4), line(5)], 3)
    expect(idsOf(after)).toEqual([3, 4, 5])
    expect(after).toMatchObject({ droppedCount: 2, hasOlder: true })
  })

  test('older ones come before, and make up for dropped ones', () => {
    const dropped = appendLines(lines(1, 2, 3), [line(4)], 2)
    const after = prependLines(dropped, [line(3), line(2), line(1)], false)
    expect(idsOf(after)).toEqual([1, 2, 3, 4])
    expect(after).toMatchObject({ droppedCount: 0, hasOlder: false })
  })
})
