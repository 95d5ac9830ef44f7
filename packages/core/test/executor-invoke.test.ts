import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createCodec } from '../src/codec/codec.js'
import type { ChildResult } from '../src/generated/protocol.js'
import { defineJob } from '../src/job.js'
import type { Step } from '../src/step.js'
import { durableEngines } from './durable-engine.js'
import { assign, executors, failure, quiet, step as storedStep } from './scripted-engine.js'

const { serve } = executors()
const durable = durableEngines()

const part = defineJob({
  name: 'part',
  input: z.object({ n: z.number(), unit: z.string().default('cm') }),
  labels: z.object({ customer: z.string() }),
  retry: { maxAttempts: 4, initialDelay: 10, jitter: 0 },
  timeout: '1m',
  maxRecoveries: 3,
  run: (_step, input) => input.n,
})
const plain = defineJob({ name: 'plain', run: (_step, input: number) => `${input}` })

const LABELS = { customer: '7' }

function child(rest: Partial<ChildResult>): ChildResult {
  const base = { runId: 'c', jobName: 'plain', status: 'completed' } as const
  return { ...base, output: undefined, error: undefined, ...rest }
}

function jobOf(call: (step: Step) => unknown) {
  return defineJob({ name: 'job', run: async (step) => call(step) })
}

describe('step.invoke', () => {
  const job = jobOf((step) =>
    step.invoke('x', part, { n: 1 }, { labels: LABELS, delay: '5s', concurrencyKey: 'k' }),
  )

  test("makes the child as a trigger would: parsed input, labels, options and the job's policy", async () => {
    const engine = await serve({ job })
    engine.send(assign('job'))
    const { children, mode } = await engine.next('stepInvoke')
    expect(mode).toBe('failFast')
    expect(children).toEqual([
      {
        jobName: 'part',
        input: '{"n":1,"unit":"cm"}',
        blobs: [],
        maxRecoveries: 3,
        idempotencyKey: undefined,
        concurrencyKey: 'k',
        coalesce: false,
        labels: LABELS,
        priority: undefined,
        retry: { maxAttempts: 4, initialDelayMs: 10, factor: 2, maxDelayMs: 60_000, jitter: 0 },
        timeoutMs: 60_000,
        startAt: undefined,
        delayMs: 5_000,
      },
    ])
  })

  test('is suspended, and returns the output of the child, live and in a replay', async () => {
    for (const claims of ['resume', 'assign'] as const) {
      const engine = await durable({ job })
      engine.claims = claims
      engine.start('job')
      await engine.waiting()
      engine.end('x', { children: [child({ jobName: 'part', output: '{"sum":3}' })] })
      expect((await engine.ended()).output).toBe('{"sum":3}')
      expect(engine.said.filter((what) => what === 'stepInvoke x')).toHaveLength(1)
    }
  })

  test("throws the failure of the child, and the run's failure names the step", async () => {
    const engine = await durable({ job })
    engine.start('job')
    await engine.waiting()
    const error = failure({ name: 'RangeError', message: 'children[0]: no', stepName: 'x' })
    engine.end('x', { error, children: [child({ status: 'failed', error })] })
    expect((await engine.ended()).error).toMatchObject({
      name: 'RangeError',
      message: 'children[0]: no',
      stepName: 'x',
    })
  })

  test('whose input is wrong fails its step, and makes no child; a replay says the same', async () => {
    const job = jobOf((step) => Reflect.apply(step.invoke, step, ['x', part, { n: 'one' }]))
    const engine = await durable({ job })
    engine.start('job')
    const { error, steps } = await engine.ended()
    expect(error).toMatchObject({ code: 'invalid_input', stepName: 'x' })
    expect(error?.message).toMatch(/^The input of job "part" is invalid: n: /)
    expect(engine.said).toEqual(['stepFail x', 'runFail'])
    expect(engine.messages[0]).toMatchObject({ kind: 'invoke', attempt: 1, retry: undefined })
    expect(engine.messages[1]).toMatchObject({ isRetryable: false })

    const again = await durable({ job })
    again.start('job', { memo: [...steps.values()] })
    expect((await again.ended()).error).toMatchObject({ code: 'invalid_input', stepName: 'x' })
    expect(again.said).toEqual(['runFail'])
  })

  test('of a run that is retried asks for the child again', async () => {
    const engine = await serve({ job })
    const failed = child({ jobName: 'part', status: 'failed', error: failure() })
    const memo = [storedStep('x', { kind: 'invoke', status: 'pending', children: [failed] })]
    engine.send(assign('job', { memo }))
    expect((await engine.next('stepInvoke')).children).toHaveLength(1)
  })

  test('waits again in a replay without saying so', async () => {
    const engine = await serve({ job })
    const running = child({ jobName: 'part', status: 'running' })
    const memo = [storedStep('x', { kind: 'invoke', status: 'waiting', children: [running] })]
    engine.send(assign('job', { memo }))
    expect((await engine.next('suspend')).waits).toEqual(['x'])
  })
})

describe('step.invokeAll', () => {
  const both = (mode?: 'failFast' | 'settled') =>
    jobOf((step) =>
      Reflect.apply(step.invokeAll, step, [
        'x',
        [
          { job: part, input: { n: 1 }, labels: LABELS, priority: 5 },
          { job: plain, input: 2 },
        ],
        ...(mode === undefined ? [] : [{ mode }]),
      ]),
    )

  test('makes all in one message, in their order, and returns their outputs in it', async () => {
    const job = both()
    const engine = await durable({ job })
    engine.start('job')
    await engine.waiting()
    expect(engine.run().made.get('x')).toMatchObject([
      { jobName: 'part', priority: 5, labels: LABELS },
      { jobName: 'plain', priority: undefined, input: '2', labels: {} },
    ])
    const outputs = [child({ jobName: 'part', output: '1' }), child({ output: '"2"' })]
    engine.end('x', { children: outputs })
    expect((await engine.ended()).output).toBe('[1,"2"]')
  })

  test('with settled returns how each ended', async () => {
    for (const claims of ['resume', 'assign'] as const) {
      const engine = await durable({ job: both('settled') })
      engine.claims = claims
      engine.start('job')
      await engine.waiting()
      expect(engine.messages.at(-2)).toMatchObject({ type: 'stepInvoke', mode: 'settled' })
      const error = failure({ name: 'RangeError', message: 'no' })
      engine.end('x', {
        children: [
          child({ runId: 'a', jobName: 'part', status: 'failed', error }),
          child({ runId: 'b', status: 'cancelled' }),
        ],
      })
      const output = JSON.parse(String((await engine.ended()).output))
      expect(output).toMatchObject([
        { status: 'failed', runId: 'a', error: { name: 'RangeError', message: 'no' } },
        { status: 'cancelled', runId: 'b' },
      ])
    }
  })

  test('of nothing returns nothing, and says nothing', async () => {
    const job = jobOf((step) => step.invokeAll('x', []))
    const engine = await durable({ job })
    engine.start('job')
    expect((await engine.ended()).output).toBe('[]')
    expect(engine.said).toEqual(['runComplete'])
  })

  test.each([
    ['an input', { job: part, input: { n: 'x' }, labels: LABELS }, /^children\[1\]: The input of/],
    ['labels', { job: part, input: { n: 1 } }, /^children\[1\]: The labels of job "part"/],
    ['an option', { job: plain, input: 1, priority: 2_000 }, /^children\[1\]: .*priority/],
    [
      'an option that a child does not have',
      { job: plain, input: 1, idempotencyKey: 'k' },
      /^children\[1\]: .*does not know the option "idempotencyKey"/,
    ],
    ['coalesce', { job: plain, input: 1, coalesce: 'skip' }, /^children\[1\]: .*"coalesce"/],
    ['no job', { job: 'plain', input: 1 }, /^children\[1\]: the job .* defineJob made/],
    ['no object', 5, /^children\[1\]: the job .* is 5/],
    ['nothing', null, /^children\[1\]: the job .* is null/],
    [
      'a Date as input',
      { job: plain, input: new Date(0) },
      /^children\[1\]: The input of job "plain"/,
    ],
  ])(
    'a child with %s that is wrong fails the step with its index, before any is made',
    async (_what, bad, message) => {
      const calls = [{ job: plain, input: 1 }, bad, bad]
      const job = jobOf((step) => Reflect.apply(step.invokeAll, step, ['x', calls]))
      const engine = await durable({ job })
      engine.start('job')
      const { error } = await engine.ended()
      expect(error?.message).toMatch(message)
      expect(error?.stepName).toBe('x')
      expect(engine.said).toEqual(['stepFail x', 'runFail'])
    },
  )

  test.each([
    ['no list', ['x', 5], /step\.invokeAll\("x"\) takes an array/],
    [
      'more than 1,000',
      ['x', Array.from({ length: 1_001 })],
      /may have 1000 children, and has 1001/,
    ],
    ['a mode', ['x', [], { mode: 'all' }], /option mode of step\.invokeAll\("x"\)/],
    ['an option', ['x', [], { concurrency: 2 }], /does not know the option "concurrency"/],
  ])('%s that is wrong is refused at the call', async (_what, args, message) => {
    const job = jobOf((step) => Reflect.apply(step.invokeAll, step, args))
    const engine = await durable({ job })
    engine.start('job')
    const { error } = await engine.ended()
    expect(error).toMatchObject({ code: 'invalid_input' })
    expect(error?.message).toMatch(message)
    expect(engine.said).toEqual(['runFail'])
  })

  test('1,000 children are made in one message', async () => {
    const calls = Array.from({ length: 1_000 }, (_, input) => ({ job: plain, input }))
    const job = jobOf(async (step) => (await step.invokeAll('x', calls)).length)
    const engine = await durable({ job })
    engine.start('job')
    await engine.waiting()
    expect(engine.run().made.get('x')).toHaveLength(1_000)
    engine.end('x', { children: calls.map(({ input }) => child({ output: `"${input}"` })) })
    expect((await engine.ended()).output).toBe('1000')
  })
})

describe('history_mismatch', () => {
  const recorded = [child({ output: '"1"' }), child({ output: '"2"' })]
  const pending = recorded.map((one) => ({ ...one, status: 'failed' as const }))

  test.each([
    ['another count', [{ job: plain, input: 1 }], /recorded with 2 children, and now has 1/],
    [
      'another job',
      [
        { job: plain, input: 1 },
        { job: part, input: { n: 1 }, labels: LABELS },
      ],
      /children\[1\] was recorded as a run of job "plain", and now is one of "part"/,
    ],
    ['no child any more', [], /recorded with 2 children, and now has 0/],
  ])('%s', async (_what, calls, message) => {
    const job = jobOf((step) => Reflect.apply(step.invokeAll, step, ['x', calls]))
    for (const memo of [
      storedStep('x', { kind: 'invoke', completedIndex: 0, children: recorded }),
      storedStep('x', { kind: 'invoke', status: 'waiting', children: recorded }),
      storedStep('x', { kind: 'invoke', status: 'pending', children: pending }),
      storedStep('x', {
        kind: 'invoke',
        status: 'failed',
        completedIndex: 0,
        children: pending,
        error: failure(),
      }),
    ]) {
      const engine = await durable({ job })
      engine.start('job', { memo: [memo] })
      const { error } = await engine.ended()
      expect(error).toMatchObject({ code: 'history_mismatch', stepName: 'x' })
      expect(error?.message).toMatch(message)
    }
  })

  test('failFast where settled was recorded and a child had failed', async () => {
    const job = jobOf((step) => step.invoke('x', plain, 1))
    const engine = await durable({ job })
    const children = [child({ status: 'failed', error: failure() })]
    engine.start('job', {
      memo: [storedStep('x', { kind: 'invoke', completedIndex: 0, children })],
    })
    expect((await engine.ended()).error?.code).toBe('history_mismatch')
  })
})

describe('files', () => {
  const reader = defineJob({ name: 'reader', run: (_step, input: Blob) => input.size })

  test('in an input go beside the message, and their ids stand in the child', async () => {
    const job = jobOf((step) => step.invoke('x', reader, new Blob(['abc'])))
    const engine = await serve({ job })
    engine.send(assign('job'))
    const { children } = await engine.next('stepInvoke')
    expect(children[0]?.blobs).toHaveLength(1)
    expect(engine.blobs.came).toEqual(children[0]?.blobs)
  })

  test('in an input that cannot be stored fail the step', async () => {
    const job = jobOf((step) => step.invoke('x', reader, new Blob(['abc'])))
    const engine = await serve({ job })
    engine.send(assign('job'))
    const { seq } = await engine.next('stepInvoke')
    engine.say({ type: 'unstorable', seq, error: { code: 'invalid_input', message: 'No.' } })
    expect(await engine.take('stepFail')).toMatchObject({
      kind: 'invoke',
      error: { code: 'invalid_input', message: 'No.' },
    })
    expect((await engine.take('runFail')).error.stepName).toBe('x')
  })

  test('in outputs are read before the parent goes on', async () => {
    const { payload, blobs } = createCodec({}).encode(new Blob(['abc']), 'x')
    const id = blobs[0]?.id ?? ''
    const job = jobOf(async (step) => {
      const [file] = await step.invokeAll('x', [{ job: plain, input: 1 }])
      return Reflect.get(Object(file), 'size')
    })
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.take('stepInvoke')
    await engine.take('suspend')
    const children = [child({ output: payload })]
    const steps = [storedStep('x', { kind: 'invoke', completedIndex: 0, children })]
    engine.send({ type: 'resume', runId: 'run-1', generation: 2, timeoutMs: undefined, steps })
    expect(await engine.rest()).toEqual([])
    expect(engine.blobs.asked).toEqual([id])
    engine.say({ type: 'blob', id, blob: new Blob(['abc']) })
    expect((await engine.take('runComplete')).output).toBe('3')
  })
})

test('a parent that is cancelled while its inputs are validated makes no child', async () => {
  let validated: () => void = () => undefined
  const slow = defineJob({
    name: 'slow',
    input: z.string().refine(
      () =>
        new Promise<boolean>((resolve) => {
          validated = () => resolve(true)
        }),
    ),
    run: () => 1,
  })
  const job = jobOf((step) => step.invoke('x', slow, 'a'))
  const engine = await serve({ job })
  engine.send(assign('job'))
  await quiet()
  engine.send({ type: 'abort', runId: 'run-1', generation: 1, reason: 'cancelled' })
  await engine.next('released')
  validated()
  expect(await engine.rest()).toEqual([])
})
