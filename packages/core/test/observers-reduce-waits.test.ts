// What events of waits, retries and wakes make of a run and its steps.
import { describe, expect, test } from 'vitest'
import { toRun, toStep, type UntypedRun } from '../src/client/convert.js'
import { createCodec } from '../src/codec/codec.js'
import type * as wire from '../src/generated/protocol.js'
import { reduceRow, reduceRun } from '../src/observers/reduce.js'
import { runState } from '../src/observers/run-state.js'
import type { Step } from '../src/types.js'
import { wireRun } from './wire-run.js'

const codec = createCodec()
const failure: wire.RunFailure = {
  name: 'Error',
  message: 'no luck',
  stack: undefined,
  causes: [],
  code: 'error',
  attempt: 1,
  stepName: 'a',
}
const sleep = (stepName: string): wire.WaitingFor => ({ kind: 'sleep', stepName, until: 900 })
const again = (stepName: string, attempt: number): wire.WaitingFor => {
  return { kind: 'retry', stepName, attempt, until: 900, error: failure }
}
const runAgain: wire.WaitingFor = {
  kind: 'retry',
  stepName: undefined,
  attempt: 2,
  until: 900,
  error: failure,
}

const running = toRun(codec, wireRun({ status: 'running', version: 5, startedAt: 110 }))
const waiting = toRun(
  codec,
  wireRun({ status: 'waiting', version: 5, startedAt: 110, waitingFor: sleep('nap') }),
)

function step(name: string, status: Step['status'], rest: Partial<wire.Step> = {}): Step {
  const isOver = status === 'completed' || status === 'failed'
  return toStep(codec, {
    name,
    kind: 'run',
    status,
    completedIndex: isOver ? 0 : undefined,
    attempt: 1,
    output: undefined,
    error: undefined,
    firstAttempt: 1,
    waitingFor: undefined,
    children: [],
    startedAt: 120,
    completedAt: isOver ? 130 : undefined,
    ...rest,
  })
}

function event(version: number, body: wire.EventBody): wire.RunEvent {
  return {
    sequence: 1,
    timestamp: 200,
    runId: 'run-1',
    jobName: 'job',
    labels: {},
    parentId: undefined,
    status: body.type === 'run:wait' ? 'waiting' : 'running',
    version,
    ...body,
  }
}
const stepWait = (version: number, waitingFor: wire.WaitingFor, attempt = 1) => {
  const stepKind = waitingFor.kind === 'sleep' ? 'sleep' : 'run'
  const stepName = waitingFor.stepName ?? ''
  return event(version, {
    type: 'step:wait',
    stepName,
    stepKind,
    attempt,
    waitingFor,
    startedAt: 150,
  })
}
const runWait = (version: number, waitingFor: wire.WaitingFor) =>
  event(version, { type: 'run:wait', waitingFor })
const wake = (version: number, stepName: string, attempt: number) =>
  event(version, { type: 'step:wake', stepName, attempt })
const start = (version: number, stepName: string, attempt: number) =>
  event(version, { type: 'step:start', stepName, attempt })
const complete = (version: number, stepName: string, stepKind: wire.StepKind, index: number) =>
  event(version, {
    type: 'step:complete',
    stepName,
    stepKind,
    attempt: 1,
    completedIndex: index,
    startedAt: 150,
  })
const resume = (version: number, attempt = 1) =>
  event(version, { type: 'run:resume', attempt, recoveries: 0 })

function reduced(run: UntypedRun, steps: readonly Step[], ...events: wire.RunEvent[]) {
  let snapshot = { run, steps }
  let isStale = false
  for (const each of events) {
    const result = reduceRun(snapshot, each)
    snapshot = { ...result.snapshot }
    isStale ||= result.isStale
  }
  return { ...snapshot, isStale }
}
const names = (steps: readonly Step[]) =>
  steps.map(({ name, status, attempt }) => `${name} ${status} ${attempt}`)

describe('a wait from its call to its end', () => {
  test('a sleep: opened, suspended, ended, resumed; nothing is read for it', () => {
    const opened = reduced(running, [step('first', 'completed')], stepWait(6, sleep('nap')))
    expect(names(opened.steps)).toEqual(['first completed 1', 'nap waiting 1'])
    expect(opened.steps[1]).toMatchObject({
      kind: 'sleep',
      waitingFor: { kind: 'sleep', until: 900 },
      startedAt: 150,
    })
    expect(opened.run).toMatchObject({ status: 'running', version: 6 })

    const suspended = reduced(opened.run, opened.steps, runWait(7, sleep('nap')))
    expect(suspended.run).toMatchObject({
      status: 'waiting',
      version: 7,
      waitingFor: { kind: 'sleep', stepName: 'nap', until: 900 },
    })
    expect(suspended.steps).toBe(opened.steps)

    const ended = reduced(suspended.run, suspended.steps, complete(8, 'nap', 'sleep', 1), resume(9))
    expect(names(ended.steps)).toEqual(['first completed 1', 'nap completed 1'])
    expect(ended.steps[1]).toMatchObject({ kind: 'sleep', completedAt: 200 })
    expect(ended.steps[1]).not.toHaveProperty('waitingFor')
    expect(ended.run).toMatchObject({ status: 'running', version: 9, stepCount: 1 })
    expect(ended.run).not.toHaveProperty('waitingFor')
    for (const { isStale } of [opened, suspended, ended]) expect(isStale).toBe(false)
  })

  test('a retry: the failure is in the event; woken it has to run, and runs as the next attempt', () => {
    const retry = event(6, {
      type: 'step:retry',
      stepName: 'a',
      attempt: 1,
      errorCode: 'error',
      until: 900,
    })
    const failed = reduced(
      running,
      [step('a', 'running')],
      retry,
      stepWait(6, again('a', 2)),
      runWait(7, again('a', 2)),
    )
    expect(failed.isStale).toBe(false)
    expect(failed.steps).toMatchObject([
      { name: 'a', status: 'waiting', attempt: 1, error: { message: 'no luck' } },
    ])
    expect(failed.steps[0]?.waitingFor).toMatchObject({ kind: 'retry', attempt: 2, until: 900 })

    const woken = reduced(failed.run, failed.steps, wake(8, 'a', 1), resume(9))
    expect(woken.steps).toMatchObject([
      { status: 'pending', attempt: 1, error: { message: 'no luck' } },
    ])
    expect(woken.steps[0]).not.toHaveProperty('waitingFor')
    const second = reduced(woken.run, woken.steps, start(9, 'a', 2))
    expect(names(second.steps)).toEqual(['a running 2'])
    expect([woken.isStale, second.isStale]).toEqual([false, false])
  })

  test('the network: no attempt was made', () => {
    const offline: wire.WaitingFor = { kind: 'network', stepName: 'a' }
    const result = reduced(running, [], stepWait(6, offline, 0), wake(7, 'a', 0), start(7, 'a', 1))
    expect(names(result.steps)).toEqual(['a running 1'])
    expect(result.isStale).toBe(false)
  })

  test('outcomes come first, then what is open by name, then what runs', () => {
    const { steps } = reduced(
      running,
      [],
      start(5, 'y', 1),
      start(5, 'x', 1),
      stepWait(6, sleep('c')),
      stepWait(7, sleep('b')),
      complete(8, 'c', 'sleep', 0),
    )
    expect(names(steps)).toEqual(['c completed 1', 'b waiting 1', 'y running 1', 'x running 1'])
  })
})

describe('the run waits itself', () => {
  test('for its next attempt: what failed has to run again, what completed stands', () => {
    const steps = [
      step('done', 'completed'),
      step('a', 'failed', { completedIndex: 1, error: failure }),
      step('nap', 'waiting', { kind: 'sleep', waitingFor: sleep('nap') }),
      step('b', 'running'),
    ]
    const counted = { ...running, stepCount: 2, recoveries: 1 }
    const result = reduced(counted, steps, runWait(6, runAgain))
    expect(names(result.steps)).toEqual(['done completed 1', 'a pending 1', 'nap pending 1'])
    expect(result.steps[1]).toMatchObject({ completedIndex: null, error: { message: 'no luck' } })
    expect(result.run).toMatchObject({
      status: 'waiting',
      attempt: 2,
      stepCount: 1,
      recoveries: 0,
      waitingFor: { kind: 'retry', stepName: null, attempt: 2, until: 900 },
    })
    expect(result.isStale).toBe(false)
    expect(reduced(result.run, result.steps, resume(7, 2)).run).toMatchObject({
      status: 'running',
      attempt: 2,
    })
  })

  test('for the network, before it was started', () => {
    const pending = toRun(codec, wireRun({ version: 1 }))
    const result = reduced(pending, [], runWait(3, { kind: 'network', stepName: undefined }))
    expect(result.run).toMatchObject({
      status: 'waiting',
      startedAt: null,
      waitingFor: { kind: 'network', stepName: null },
    })
  })
})

describe('a cancel', () => {
  test('leaves what waited pending, and nothing waits any more', () => {
    const steps = [step('nap', 'waiting', { kind: 'sleep', waitingFor: sleep('nap') })]
    const cancelled = event(6, { type: 'run:cancel' })
    const stepCancel = event(6, { type: 'step:cancel', stepName: 'nap', attempt: 1 })
    for (const events of [
      [cancelled, stepCancel],
      [stepCancel, cancelled],
    ]) {
      const result = reduced(waiting, steps, ...events)
      expect(result.run.status).toBe('cancelled')
      expect(names(result.steps)).toEqual(['nap pending 1'])
      expect(result.steps[0]).not.toHaveProperty('waitingFor')
      expect(result.isStale).toBe(false)
    }
  })

  test.each([event(6, { type: 'run:cancel' }), resume(6)])(
    '$type of a step in its second attempt: its first one is stored, and is read',
    (told) => {
      const result = reduced(running, [step('a', 'running', { attempt: 2 })], told)
      expect(result.steps).toEqual([])
      expect(result.isStale).toBe(true)
    },
  )
})

describe('what is known already', () => {
  const steps = [step('nap', 'waiting', { kind: 'sleep', waitingFor: sleep('nap') })]

  test.each([
    stepWait(5, sleep('nap')),
    stepWait(4, sleep('other')),
    runWait(5, sleep('nap')),
    wake(4, 'nap', 1),
    resume(5),
  ])('$type of version $version changes nothing', (told) => {
    const result = reduceRun({ run: waiting, steps }, told)
    expect(result.isStale).toBe(false)
    expect(result.snapshot.run).toBe(waiting)
    expect(result.snapshot.steps).toBe(steps)
  })

  test('a wait that is told after its end, which was read with the steps', () => {
    const ended = [step('nap', 'completed', { kind: 'sleep' })]
    const result = reduced(running, ended, stepWait(6, sleep('nap')))
    expect(names(result.steps)).toEqual(['nap completed 1'])
    expect(result.run.version).toBe(6)
  })

  test('a wait of the version that was read, of which the steps do not know', () => {
    const result = reduced(running, [step('a', 'running')], stepWait(5, again('a', 2)))
    expect(names(result.steps)).toEqual(['a waiting 1'])
  })

  test('a start that is told after the wait for the next attempt', () => {
    const known = [step('a', 'waiting', { waitingFor: again('a', 2) })]
    expect(reduced(waiting, known, start(5, 'a', 1)).steps).toBe(known)
  })

  test('a wake of a step that is not known has to be read', () => {
    expect(reduced(waiting, [], wake(6, 'a', 1)).isStale).toBe(true)
  })
})

describe('a run of a list', () => {
  test('waits and goes on by events alone', () => {
    const told = [
      stepWait(6, sleep('nap')),
      runWait(7, sleep('nap')),
      complete(8, 'nap', 'sleep', 0),
      resume(9),
    ]
    let run = running
    const seen = told.map((each) => {
      const result = reduceRow(run, each)
      expect(result.isStale).toBe(false)
      run = result.run
      return `${run.status} ${run.version} ${run.stepCount}`
    })
    expect(seen).toEqual(['running 6 0', 'waiting 7 0', 'waiting 8 1', 'running 9 1'])
  })

  test('of its steps at its next attempt only their number is unknown', () => {
    expect(reduceRow(running, runWait(6, runAgain))).toMatchObject({
      isStale: false,
      run: { status: 'waiting', attempt: 2 },
    })
    const counted = { ...running, stepCount: 3 }
    expect(reduceRow(counted, runWait(6, runAgain))).toMatchObject({
      isStale: true,
      run: { status: 'waiting', attempt: 2, stepCount: 3 },
    })
  })

  test('the end of a sleep is no recovery, the work of a step is', () => {
    const crashed = { ...running, recoveries: 2 }
    expect(reduceRow(crashed, complete(6, 'nap', 'sleep', 0)).run.recoveries).toBe(2)
    expect(reduceRow(crashed, complete(6, 'a', 'run', 0)).run.recoveries).toBe(0)
    expect(reduceRow(crashed, stepWait(6, sleep('nap'))).run.recoveries).toBe(0)
  })
})

test('waitingFor is shown while the run waits, and is null else', () => {
  const shown = (run: UntypedRun) => runState({ run, steps: [] }).waitingFor
  expect(shown(waiting)).toEqual({ kind: 'sleep', stepName: 'nap', until: 900 })
  expect(shown(running)).toBeNull()
  expect(shown(toRun(codec, wireRun({ status: 'cancelled' })))).toBeNull()
})
