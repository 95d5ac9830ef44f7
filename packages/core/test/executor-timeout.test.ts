import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { defineJob } from '../src/job.js'
import type { StepOptions } from '../src/step.js'
import { assign, executors, gate, quiet, step as storedStep, welcome } from './scripted-engine.js'

const { serve } = executors()

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Time goes by, and what follows from it is done. */
async function pass(ms: number): Promise<void> {
  await quiet()
  vi.advanceTimersByTime(ms)
  await quiet()
}

const never = new Promise<never>(() => undefined)
const RETRY = { maxAttempts: 2, initialDelay: 10, jitter: 0 }

describe('a step', () => {
  const slow = (body: (signal: AbortSignal) => unknown, options: StepOptions = {}) =>
    defineJob({
      name: 'job',
      run: (step) => step.run('x', ({ signal }) => body(signal), { timeout: '5s', ...options }),
    })

  test('hears its signal in time, and fails after a grace, whatever it still does', async () => {
    const seen: unknown[] = []
    const late = gate<number>()
    const job = slow((signal) => {
      signal.addEventListener('abort', () => seen.push(Reflect.get(signal.reason, 'code')))
      return late.promise
    })
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.next('stepStart')
    await pass(4_999)
    expect(seen).toEqual([])
    await pass(1)
    expect(seen).toEqual(['timeout'])
    await pass(999)
    expect(await engine.rest()).toEqual([])
    await pass(1)
    const { error, retry } = await engine.take('stepFail')
    expect(error).toMatchObject({ code: 'timeout', stepName: 'x', attempt: 1 })
    expect(error.message).toMatch(/Step "x" did not end within its timeout of 5000 ms.*signal/)
    expect(retry).toBeUndefined()
    late.open(1)
    expect(await engine.take('runFail')).toMatchObject({
      error: { code: 'timeout', stepName: 'x' },
      isRetryable: true,
    })
    expect(await engine.rest()).toEqual([])
  })

  test('that ends by its signal fails at once, and is tried again', async () => {
    const job = slow(
      (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')))
        }),
      { retry: RETRY },
    )
    const engine = await serve({ job })
    engine.send(assign('job'))
    expect(await engine.next('stepStart')).toMatchObject({
      timeoutMs: 5_000,
      retry: { failures: 1, policy: { maxAttempts: 2 } },
    })
    await pass(5_000)
    expect(await engine.take('stepFail')).toMatchObject({
      error: { code: 'timeout' },
      retry: { failures: 1 },
    })
    await engine.next('suspend')
    const pending = storedStep('x', { status: 'pending', attempt: 1 })
    engine.send({ type: 'resolved', runId: 'run-1', generation: 1, step: pending })
    expect(await engine.next('stepStart')).toMatchObject({ attempt: 2, retry: undefined })
    await pass(5_000)
    expect(await engine.take('stepFail')).toMatchObject({ attempt: 2, retry: undefined })
  })

  test('that returns a value within the grace keeps it', async () => {
    const job = slow(
      (signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve('in time'))
        }),
    )
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.next('stepStart')
    await pass(5_000)
    expect((await engine.take('stepCommit')).output).toBe('"in time"')
    await engine.take('runComplete')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('its start leaves before it runs, so that the engine can end a body that does not yield', async () => {
    let arrays = 0
    const job = slow(() => {
      arrays = engine.arrays.length
      return 1
    })
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.next('stepStart')
    await engine.take('stepCommit')
    await engine.take('runComplete')
    // Hello, the start alone, the outcome, the end.
    expect(engine.arrays).toEqual([1, 1, 1, 1])
    expect(arrays).toBeGreaterThan(0)
  })

  test('without a timeout has no timer', async () => {
    const job = defineJob({
      name: 'job',
      run: (step) => step.run('x', () => never, { retry: RETRY }),
    })
    const engine = await serve({ job })
    engine.send(assign('job'))
    expect(await engine.next('stepStart')).toMatchObject({ timeoutMs: undefined, retry: undefined })
    expect(vi.getTimerCount()).toBe(0)
  })

  test('tells a restarted engine what is left of its time', async () => {
    const engine = await serve({ job: slow(() => never) })
    engine.send(assign('job'))
    await engine.next('stepStart')
    await pass(2_000)
    engine.send(welcome(2, { runId: 'run-1', generation: 2 }))
    expect(await engine.next('stepStart')).toMatchObject({ generation: 2, timeoutMs: 3_000 })
  })

  test('an abort of the run ends its timer, and fires its signal with the reason of the run', async () => {
    const reasons: unknown[] = []
    const job = slow((signal) => {
      signal.addEventListener('abort', () => reasons.push(Reflect.get(signal.reason, 'code')))
      return never
    })
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.next('stepStart')
    engine.send({ type: 'abort', runId: 'run-1', generation: 1, reason: 'cancelled' })
    await engine.next('released')
    expect(reasons).toEqual(['cancelled'])
    expect(vi.getTimerCount()).toBe(0)
    await pass(10_000)
    expect(await engine.rest()).toEqual([])
  })

  test('of a month does not end at once', async () => {
    const job = slow(() => never, { timeout: '30d' })
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.next('stepStart')
    await pass(29 * 86_400_000)
    expect(await engine.rest()).toEqual([])
  })

  test('has a signal of its own: one that times out leaves the others alone', async () => {
    const fired: string[] = []
    const job = defineJob({
      name: 'job',
      run: (step) =>
        Promise.allSettled([
          step.run(
            'short',
            ({ signal }) => {
              signal.addEventListener('abort', () => fired.push('short'))
              return never
            },
            { timeout: 100 },
          ),
          step.run('long', ({ signal }) => {
            signal.addEventListener('abort', () => fired.push('long'))
            return never
          }),
        ]),
    })
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.next('stepStart')
    await engine.next('stepStart')
    await pass(1_100)
    await engine.take('stepFail')
    expect(fired).toEqual(['short'])
  })
})

describe('a run', () => {
  test('hears its signal when its time is up, and fails after a grace', async () => {
    const seen: string[] = []
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        step.signal.addEventListener('abort', () => seen.push('run'))
        await step.run('x', ({ signal }) => {
          signal.addEventListener('abort', () => seen.push('step'))
          return never
        })
      },
    })
    const engine = await serve({ job })
    engine.send(assign('job', { timeoutMs: 60_000, attempt: 2 }))
    await engine.next('stepStart')
    await pass(60_000)
    expect(seen).toEqual(['run', 'step'])
    expect(await engine.rest()).toEqual([])
    await pass(1_000)
    const { error, isRetryable } = await engine.take('runFail')
    expect(error).toMatchObject({ code: 'timeout', stepName: undefined, attempt: 2 })
    expect(error.message).toMatch(
      /function of run run-1 .*did not end within its timeout.*step\.signal/,
    )
    expect(isRetryable).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('that throws by its signal has timed out; one that returns a value has not', async () => {
    const aborted = (signal: AbortSignal) =>
      new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    const throwing = defineJob({
      name: 'throwing',
      run: async (step) => {
        await aborted(step.signal)
        throw new RangeError('something else')
      },
    })
    const returning = defineJob({
      name: 'returning',
      run: async (step) => {
        await aborted(step.signal)
        return 'in time'
      },
    })
    const engine = await serve({ throwing, returning })
    engine.send(assign('throwing', { timeoutMs: 100 }))
    await pass(100)
    expect((await engine.take('runFail')).error.code).toBe('timeout')
    engine.send(assign('returning', { runId: 'run-2', timeoutMs: 100 }))
    await pass(100)
    expect((await engine.take('runComplete')).output).toBe('"in time"')
  })

  test('its waits are not counted: it is told at its resumption what is left', async () => {
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        await step.sleep('nap', '1h')
        await step.run('x', () => never)
      },
    })
    const engine = await serve({ job })
    engine.send(assign('job', { timeoutMs: 500 }))
    await engine.take('stepWait')
    await engine.take('suspend')
    await pass(3_600_000)
    const steps = [storedStep('nap', { kind: 'sleep', completedIndex: 0 })]
    engine.send({ type: 'resume', runId: 'run-1', generation: 2, timeoutMs: 400, steps })
    await engine.next('stepStart')
    await pass(1_399)
    expect(await engine.rest()).toEqual([])
    await pass(1)
    expect((await engine.take('runFail')).error.code).toBe('timeout')
  })

  test('one whose time is up is not suspended', async () => {
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        try {
          await step.run('x', ({ signal }) => {
            return new Promise((_, reject) => {
              signal.addEventListener('abort', () => reject(signal.reason))
            })
          })
        } catch {
          await step.sleep('nap', '1h')
        }
      },
    })
    const engine = await serve({ job })
    engine.send(assign('job', { timeoutMs: 100 }))
    await engine.next('stepStart')
    await pass(100)
    await engine.take('stepFail')
    await engine.take('stepWait')
    expect(await engine.rest()).toEqual([])
    await pass(1_000)
    expect((await engine.take('runFail')).error.code).toBe('timeout')
  })
})
