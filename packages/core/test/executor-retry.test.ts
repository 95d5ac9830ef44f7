import { describe, expect, test } from 'vitest'
import { StepwellError } from '../src/errors.js'
import { defineJob, NonRetryableError, RetryAfterError } from '../src/index.js'
import type { StepOptions } from '../src/step.js'
import { durableEngines } from './durable-engine.js'
import { assign, executors, failure, gate, step as storedStep } from './scripted-engine.js'

const { serve } = executors()
const durable = durableEngines()

const RETRY = { maxAttempts: 3, initialDelay: 10, factor: 2, maxDelay: 100, jitter: 0 }
const POLICY = { maxAttempts: 3, initialDelayMs: 10, factor: 2, maxDelayMs: 100, jitter: 0 }

/** A step that throws what it is told to, attempt by attempt, and then returns its attempt. */
function failing(throws: readonly unknown[], options: StepOptions = { retry: RETRY }) {
  return defineJob({
    name: 'job',
    run: (step) =>
      step.run(
        'x',
        ({ attempt }) => {
          if (attempt <= throws.length) throw throws[attempt - 1]
          return attempt
        },
        options,
      ),
  })
}

describe('a step with a policy', () => {
  test('waits after a failure, is suspended, and runs again where it is parked', async () => {
    const engine = await durable({ job: failing([new Error('first'), new Error('second')]) })
    engine.start('job')
    await engine.waiting()
    expect(engine.messages.at(-2)).toMatchObject({
      type: 'stepFail',
      kind: 'run',
      attempt: 1,
      error: { message: 'first', attempt: 1, stepName: 'x' },
      retry: { policy: POLICY, failures: 1, afterMs: undefined },
    })
    expect(engine.messages.at(-1)).toMatchObject({ type: 'suspend', waits: ['x'] })
    engine.end('x', 'again')
    await engine.waiting()
    expect(engine.messages.at(-2)).toMatchObject({ attempt: 2, retry: { failures: 2 } })
    engine.end('x', 'again')
    expect((await engine.ended()).output).toBe('3')
  })

  test('runs again in a replay, with the attempts that are stored', async () => {
    const engine = await durable({ job: failing([new Error('first'), new Error('second')]) })
    engine.claims = 'assign'
    engine.start('job')
    await engine.waiting()
    engine.end('x', 'again')
    await engine.waiting()
    expect(engine.messages.at(-2)).toMatchObject({ attempt: 2, retry: { failures: 2 } })
    engine.end('x', 'again')
    expect((await engine.ended()).output).toBe('3')
  })

  test('fails with the last error once its attempts are used up', async () => {
    const job = failing([new Error('first'), new Error('second'), new RangeError('third')])
    const engine = await durable({ job })
    engine.start('job')
    for (let i = 0; i < 2; i++) {
      await engine.waiting()
      engine.end('x', 'again')
    }
    expect((await engine.ended()).error).toMatchObject({
      name: 'RangeError',
      message: 'third',
      attempt: 3,
      stepName: 'x',
    })
    expect(engine.messages.at(-2)).toMatchObject({ type: 'stepFail', attempt: 3, retry: undefined })
    expect(engine.messages.at(-1)).toMatchObject({ type: 'runFail', isRetryable: true })
  })

  test('counts from the first attempt of its budget, which a retry of the run makes anew', async () => {
    const job = failing(Array.from({ length: 9 }, () => new Error('again')))
    const engine = await serve({ job })
    const memo = [storedStep('x', { status: 'pending', attempt: 3, firstAttempt: 4 })]
    engine.send(assign('job', { memo }))
    await engine.next('stepStart')
    expect(await engine.take('stepFail')).toMatchObject({ attempt: 4, retry: { failures: 1 } })
  })

  test('goes on beside bodies, without a suspension', async () => {
    const slow = gate<string>()
    const job = defineJob({
      name: 'job',
      run: (step) =>
        Promise.all([
          step.run(
            'flaky',
            ({ attempt }) => {
              if (attempt === 1) throw new Error('first')
              return attempt
            },
            { retry: RETRY },
          ),
          step.run('slow', () => slow.promise),
        ]),
    })
    const engine = await durable({ job })
    engine.start('job')
    await engine.until(() => engine.run().steps.get('flaky')?.status === 'waiting')
    engine.end('flaky', 'again')
    await engine.until(() => engine.said.includes('stepCommit flaky'))
    slow.open('s')
    expect((await engine.ended()).output).toBe('[2,"s"]')
    expect(engine.said).not.toContain('suspend')
  })

  test('is told twice that it has to run, and runs once', async () => {
    const attempts: number[] = []
    const job = defineJob({
      name: 'job',
      run: (step) =>
        step.run(
          'x',
          ({ attempt }) => {
            attempts.push(attempt)
            throw new Error('again')
          },
          { retry: RETRY },
        ),
    })
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.next('stepStart')
    await engine.take('stepFail')
    const { seq } = await engine.next('suspend')
    const pending = storedStep('x', { status: 'pending', attempt: 1 })
    const resolved = { type: 'resolved', runId: 'run-1', generation: 1, step: pending } as const
    engine.send(resolved)
    await engine.next('stepStart')
    const second = await engine.next('stepFail')
    engine.send(resolved, { type: 'ack', seqs: [seq] })
    engine.send({ type: 'ack', seqs: [second.seq] })
    await engine.next('suspend')
    expect(attempts).toEqual([1, 2])
  })
})

describe('what ends the attempts', () => {
  const foreign = Object.assign(new Error('of another copy'), { '~stepwell': 'non-retryable' })
  const codes = [
    'not_serializable',
    'invalid_input',
    'duplicate_step',
    'history_mismatch',
    'payload_too_large',
    'limit_exceeded',
    'conflict',
  ] as const
  const table: readonly (readonly [string, unknown])[] = [
    ['a NonRetryableError', new NonRetryableError('no')],
    ['one of another copy of the package', foreign],
    ...codes.map((code) => [code, new StepwellError(code, 'no')] as const),
  ]
  test.each(table)('%s', async (_what, thrown) => {
    const engine = await serve({ job: failing([thrown]) })
    engine.send(assign('job'))
    await engine.next('stepStart')
    expect((await engine.take('stepFail')).retry).toBeUndefined()
    expect((await engine.take('runFail')).isRetryable).toBe(false)
  })

  test.each(['timeout', 'not_found', 'storage_full', 'internal', 'cancelled'] as const)(
    'but not %s',
    async (code) => {
      const engine = await serve({ job: failing([new StepwellError(code, 'once')]) })
      engine.send(assign('job'))
      await engine.next('stepStart')
      expect((await engine.take('stepFail')).retry).toMatchObject({ failures: 1 })
    },
  )

  test('a NonRetryableError stays one in a replay', async () => {
    const job = failing([])
    const error = failure({ name: 'NonRetryableError', message: 'no', stepName: 'x' })
    const engine = await serve({ job })
    const memo = [storedStep('x', { status: 'failed', completedIndex: 0, error })]
    engine.send(assign('job', { memo }))
    expect(await engine.take('runFail')).toMatchObject({
      isRetryable: false,
      error: { name: 'NonRetryableError', message: 'no', stepName: 'x' },
    })
  })

  test('an output that cannot be stored', async () => {
    const job = defineJob({
      name: 'job',
      run: (step) => step.run('x', () => new Map(), { retry: RETRY }),
    })
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.next('stepStart')
    const failed = await engine.take('stepFail')
    expect(failed).toMatchObject({ error: { code: 'not_serializable' }, retry: undefined })
  })
})

describe('RetryAfterError', () => {
  test('asks for its own delay, on a step and on a run', async () => {
    const job = failing([new RetryAfterError('busy', { after: '30s' })], {})
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.next('stepStart')
    expect((await engine.take('stepFail')).retry).toBeUndefined()
    expect(await engine.take('runFail')).toMatchObject({ isRetryable: true, retryAfterMs: 30_000 })

    const second = await serve({
      job: failing([new RetryAfterError('busy', { after: '30s', cause: new Error('429') })]),
    })
    second.send(assign('job'))
    await second.next('stepStart')
    const failed = await second.take('stepFail')
    expect(failed.retry).toMatchObject({ failures: 1, afterMs: 30_000 })
    expect(failed.error).toMatchObject({
      name: 'RetryAfterError',
      message: 'busy',
      causes: [{ name: 'Error', message: '429' }],
    })
  })

  test('takes a moment; one in the past is now', () => {
    const at = new Date(Date.now() + 60_000)
    expect(new RetryAfterError('x', { after: at }).after).toEqual(at)
    expect(new RetryAfterError('x', { after: new Date(1) }).after).toEqual(new Date(1))
  })

  test.each([
    [undefined, /takes an object|after of RetryAfterError is missing/],
    [{}, /option after of RetryAfterError is missing/],
    [{ after: 0 }, /option after of RetryAfterError must be a duration/],
    [{ after: -1 }, /option after/],
    [{ after: 'soon' }, /option after/],
    [{ after: new Date('x') }, /option after/],
    [{ after: '1s', before: 1 }, /does not know the option "before"/],
  ])('refuses %j', (options, message) => {
    expect(() => Reflect.construct(RetryAfterError, ['x', options])).toThrow(message)
  })

  test('NonRetryableError refuses unknown options', () => {
    const make = () => Reflect.construct(NonRetryableError, ['x', { reason: 1 }])
    expect(make).toThrow(/does not know the option "reason"/)
    const cause = new Error('why')
    expect(new NonRetryableError('x', { cause }).cause).toBe(cause)
  })
})

describe('the network', () => {
  const plain = defineJob({ name: 'plain', run: (step) => step.run('y', () => 1) })
  const job = defineJob({
    name: 'job',
    run: (step) =>
      step.run(
        'x',
        ({ attempt }) => {
          if (attempt === 1) throw new Error('first')
          return attempt
        },
        { network: 'online', retry: RETRY },
      ),
  })

  test('a step that needs it waits while the engine says that it is gone, and uses no attempt', async () => {
    const engine = await durable({ job })
    engine.wire.send({ type: 'network', isOnline: false })
    engine.start('job')
    await engine.waiting()
    expect(engine.said).toEqual(['stepWait x', 'suspend'])
    expect(engine.messages[0]).toMatchObject({ wait: { kind: 'network' } })
    engine.wire.send({ type: 'network', isOnline: true })
    engine.end('x', 'again')
    await engine.waiting()
    expect(engine.messages.at(-2)).toMatchObject({ type: 'stepFail', attempt: 1 })

    engine.wire.send({ type: 'network', isOnline: false })
    engine.end('x', 'again')
    await engine.waiting()
    expect(engine.said.slice(-2)).toEqual(['stepWait x', 'suspend'])
    engine.wire.send({ type: 'network', isOnline: true })
    engine.end('x', 'again')
    expect((await engine.ended()).output).toBe('2')
  })

  test('one that is welcomed offline waits, and one that needs none does not', async () => {
    const engine = await serve({ job, plain })
    engine.send({ type: 'welcome', epoch: 1, adopted: [], isOnline: false })
    engine.send(assign('plain', { runId: 'plain' }), assign('job'))
    expect(await engine.next('stepStart')).toMatchObject({ runId: 'plain' })
    await engine.take('stepCommit')
    expect(await engine.next('stepWait')).toMatchObject({ runId: 'run-1' })
  })
})

describe('causes', () => {
  test('are stored, and are there again in a replay', async () => {
    const seen: unknown[] = []
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        try {
          await step.run('x', () => {
            const root = new TypeError('root')
            throw new Error('outer', { cause: new RangeError('inner', { cause: root }) })
          })
        } catch (error) {
          seen.push(error)
        }
        await step.sleep('nap', 5)
      },
    })
    const engine = await durable({ job })
    engine.claims = 'assign'
    engine.start('job')
    await engine.waiting()
    expect(engine.run().steps.get('x')?.error?.causes).toEqual([
      { name: 'RangeError', message: 'inner' },
      { name: 'TypeError', message: 'root' },
    ])
    engine.end('nap', {})
    await engine.ended()
    expect(seen).toHaveLength(2)
    expect(seen[1]).toMatchObject({ message: 'outer', cause: { message: 'inner' } })
    const cause = Reflect.get(Object(seen[1]), 'cause')
    expect(cause).toBeInstanceOf(RangeError)
    expect(Reflect.get(Object(cause), 'cause')).toBeInstanceOf(TypeError)
  })

  test('that go in a circle, or are no errors, end', async () => {
    const error = new Error('round')
    error.cause = error
    const engine = await serve({ job: failing([error], {}) })
    engine.send(assign('job'))
    await engine.next('stepStart')
    const { causes } = (await engine.take('stepFail')).error
    expect(causes.length).toBeLessThan(10)
    expect(causes[0]).toEqual({ name: 'Error', message: 'round' })
  })
})
