import { describe, expect, test } from 'vitest'
import { createCodec } from '../src/codec/codec.js'
import { defineJob } from '../src/job.js'
import type { Step } from '../src/step.js'
import { durableEngines } from './durable-engine.js'
import { assign, executors, failure, step as storedStep } from './scripted-engine.js'

const { serve } = executors()
const durable = durableEngines()

const WAITING = { status: 'waiting', completedIndex: undefined } as const

/** A job that is this one call. */
function jobOf(call: (step: Step) => unknown) {
  return defineJob({ name: 'job', run: async (step) => call(step) })
}

describe('what is said', () => {
  const at = new Date('2026-11-24T00:00:00Z')
  test.each([
    ['sleep', (step: Step) => step.sleep('x', '2m'), { kind: 'sleep', durationMs: 120_000 }],
    ['sleepUntil', (step: Step) => step.sleepUntil('x', at), { kind: 'sleepUntil', until: +at }],
    [
      'sleepUntil a number',
      (step: Step) => step.sleepUntil('x', 7),
      { kind: 'sleepUntil', until: 7 },
    ],
    [
      'waitForSignal',
      (step: Step) => step.waitForSignal('x'),
      { kind: 'signal', key: 'run-1:x', timeoutMs: undefined },
    ],
    [
      'waitForSignal with options',
      (step: Step) => step.waitForSignal('x', { key: 'order-7', timeout: '1d' }),
      { kind: 'signal', key: 'order-7', timeoutMs: 86_400_000 },
    ],
  ])('by %s', async (_name, call, wait) => {
    const engine = await serve({ job: jobOf(call) })
    engine.send(assign('job'))
    expect(await engine.next('stepWait')).toMatchObject({ stepName: 'x', wait, generation: 1 })
  })

  test('goes with the log lines before it', async () => {
    const job = jobOf((step) => {
      step.log.info('before')
      return step.sleep('x', 5)
    })
    const engine = await serve({ job })
    engine.send(assign('job'))
    expect((await engine.next('stepWait')).report.logs).toMatchObject([{ message: 'before' }])
  })
})

describe('a signal', () => {
  const job = jobOf((step) => step.waitForSignal('go'))

  test.each([
    ['with a value', { output: '{"n":1}' }, '{"received":true,"value":{"n":1}}'],
    ['without one', { output: '' }, '{"received":true}'],
    ['that did not come in time', {}, '{"received":false,"reason":"timeout"}'],
  ])('%s is what the call returns, live and in a replay', async (_what, end, output) => {
    const engine = await durable({ job })
    engine.start('job')
    await engine.waiting()
    engine.end('go', end)
    expect((await engine.ended()).output).toBe(output)
    const again = await durable({ job })
    again.start('job', { memo: [storedStep('go', { kind: 'signal', completedIndex: 0, ...end })] })
    expect((await again.ended()).output).toBe(output)
  })

  test("that is an error is thrown, and the run's failure names the step", async () => {
    const engine = await durable({ job })
    engine.start('job')
    await engine.waiting()
    engine.end('go', { error: failure({ name: 'TypeError', message: 'no', stepName: 'go' }) })
    expect((await engine.ended()).error).toMatchObject({
      name: 'TypeError',
      message: 'no',
      stepName: 'go',
    })
  })

  test('whose key has another receiver fails the call', async () => {
    const engine = await durable({ job })
    engine.start('job')
    await engine.waiting()
    engine.end('go', { error: failure({ code: 'conflict', message: 'taken', stepName: 'go' }) })
    expect((await engine.ended()).error).toMatchObject({ code: 'conflict', stepName: 'go' })
    expect(engine.messages.at(-1)).toMatchObject({ type: 'runFail', isRetryable: false })
  })

  test('with files is handed on once they are read, and what comes after it waits', async () => {
    const order: string[] = []
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        const file = step.waitForSignal<File>('file').then(async (signal) => {
          order.push('file')
          return signal.received ? await signal.value.text() : ''
        })
        const nap = step.sleep('nap', 5).then(() => order.push('nap'))
        return (await Promise.all([file, nap]))[0]
      },
    })
    const { payload, blobs } = createCodec({}).encode(new File(['text'], 'a.txt'), 'x')
    const id = blobs[0]?.id ?? ''
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.take('stepWait')
    await engine.take('stepWait')
    await engine.next('suspend')
    const resolved = { type: 'resolved', runId: 'run-1', generation: 1 } as const
    engine.send(
      {
        ...resolved,
        step: storedStep('file', { kind: 'signal', completedIndex: 0, output: payload }),
      },
      { ...resolved, step: storedStep('nap', { kind: 'sleep', completedIndex: 1 }) },
    )
    expect(await engine.rest()).toEqual([])
    expect(engine.blobs.asked).toEqual([id])
    expect(order).toEqual([])
    engine.say({ type: 'blob', id, blob: new Blob(['text']) })
    expect((await engine.take('runComplete')).output).toBe('"text"')
    expect(order).toEqual(['file', 'nap'])
  })
})

describe('history_mismatch', () => {
  const child = defineJob({ name: 'child', run: () => 1 })
  const calls: Record<string, (step: Step) => unknown> = {
    run: (step) => step.run('x', () => 1),
    sleep: (step) => step.sleep('x', 5),
    signal: (step) => step.waitForSignal('x'),
    invoke: (step) => step.invoke('x', child),
  }
  const kinds = ['run', 'sleep', 'signal', 'invoke'] as const
  const pairs = kinds.flatMap((kind) =>
    kinds.filter((other) => other !== kind).map((other) => [kind, other] as const),
  )
  test.each(pairs)('a step that was a %s and now is a %s', async (kind, now) => {
    for (const memo of [
      storedStep('x', { kind, completedIndex: 0 }),
      storedStep('x', { kind, ...WAITING }),
      storedStep('x', { kind, status: 'pending' }),
    ]) {
      const job = jobOf((step) => calls[now]?.(step))
      const engine = await serve({ job, child })
      engine.send(assign('job', { memo: [memo] }))
      const { error, isRetryable } = await engine.take('runFail')
      expect(error).toMatchObject({ code: 'history_mismatch', stepName: 'x' })
      expect(error.message).toContain(`(${kind})`)
      expect(isRetryable).toBe(false)
    }
  })
})

test('a name that another kind of call used is a duplicate', async () => {
  const calls: ((step: Step) => unknown)[] = [
    (step) => step.run('x', () => 1),
    (step) => step.sleep('x', 5),
    (step) => step.sleepUntil('x', 5),
    (step) => step.waitForSignal('x'),
    (step) => step.invoke('x', defineJob({ name: 'child', run: () => 1 })),
    (step) => step.invokeAll('x', []),
  ]
  for (const call of calls) {
    const job = jobOf(async (step) => {
      await step.run('x', () => 1)
      await Promise.resolve(call(step)).catch(() => 'swallowed')
    })
    const engine = await durable({ job })
    engine.start('job')
    expect((await engine.ended()).error).toMatchObject({ code: 'duplicate_step', stepName: 'x' })
  }
})

describe('options', () => {
  const run = (options: unknown) => (step: Step) =>
    Reflect.apply(step.run, step, ['x', () => 1, options])
  const sleep = (duration: unknown) => (step: Step) =>
    Reflect.apply(step.sleep, step, ['x', duration])
  const until = (at: unknown) => (step: Step) => Reflect.apply(step.sleepUntil, step, ['x', at])
  const signal = (options: unknown) => (step: Step) =>
    Reflect.apply(step.waitForSignal, step, ['x', options])
  const map = (items: unknown, fn: unknown, options?: unknown) => (step: Step) =>
    Reflect.apply(step.map, step, ['x', items, fn, options])
  const one = () => 1

  const table: readonly (readonly [string, (step: Step) => unknown, RegExp])[] = [
    ['run: options of another type', run(5), /step\.run\("x"\) takes an object of options/],
    ['run: unknown option', run({ retries: 3 }), /does not know the option "retries"/],
    [
      'run: retry a number',
      run({ retry: 3 }),
      /option retry of step\.run\("x"\) must be an object/,
    ],
    ['run: retry without maxAttempts', run({ retry: {} }), /option retry .* needs maxAttempts/],
    [
      'run: maxAttempts 0',
      run({ retry: { maxAttempts: 0 } }),
      /maxAttempts must be a whole number/,
    ],
    ['run: maxAttempts 1001', run({ retry: { maxAttempts: 1001 } }), /maxAttempts/],
    ['run: factor NaN', run({ retry: { maxAttempts: 2, factor: Number.NaN } }), /factor/],
    ['run: jitter 2', run({ retry: { maxAttempts: 2, jitter: 2 } }), /jitter/],
    ['run: timeout 0', run({ timeout: 0 }), /option timeout of step\.run\("x"\)/],
    ['run: timeout text', run({ timeout: 'soon' }), /option timeout/],
    ['run: network', run({ network: true }), /option network .* 'online'/],
    ['run: no function', (step) => Reflect.apply(step.run, step, ['x', 5]), /second argument/],
    ['sleep: nothing', sleep(undefined), /step\.sleep\("x"\): the duration/],
    ['sleep: 0', sleep(0), /the duration/],
    ['sleep: negative', sleep(-5), /the duration/],
    ['sleep: NaN', sleep(Number.NaN), /the duration/],
    ['sleep: empty', sleep(''), /the duration/],
    ['sleep: centuries', sleep('99999999d'), /the duration/],
    ['sleepUntil: nothing', until(undefined), /step\.sleepUntil\("x"\): the time/],
    ['sleepUntil: a text', until('2026-11-24'), /the time/],
    ['sleepUntil: an invalid Date', until(new Date('x')), /the time/],
    ['sleepUntil: 0', until(0), /the time/],
    ['signal: options of another type', signal('key'), /takes an object of options/],
    ['signal: unknown option', signal({ id: 1 }), /does not know the option "id"/],
    ['signal: key empty', signal({ key: '' }), /option key of step\.waitForSignal\("x"\) is empty/],
    ['signal: key a number', signal({ key: 5 }), /option key/],
    ['signal: key too long', signal({ key: 'x'.repeat(513) }), /option key .* 512/],
    ['signal: key of half a character', signal({ key: '\ud800' }), /option key .* surrogate/],
    ['signal: timeout negative', signal({ timeout: -1 }), /option timeout/],
    ['map: items', map({}, one), /step\.map\("x"\): the items must be an array/],
    ['map: no function', map([1], 5), /third argument must be a function/],
    ['map: concurrency 0', map([1], one, { concurrency: 0 }), /option concurrency/],
    ['map: concurrency 1001', map([1], one, { concurrency: 1001 }), /option concurrency/],
    ['map: concurrency 1.5', map([1], one, { concurrency: 1.5 }), /option concurrency/],
    ['map: unknown option', map([1], one, { parallel: 2 }), /does not know the option "parallel"/],
    ['map: timeout', map([1], one, { timeout: -1 }), /option timeout/],
  ]
  test.each(table)('%s', async (_what, call, message) => {
    const engine = await serve({ job: jobOf(call) })
    engine.send(assign('job'))
    const { error, isRetryable } = await engine.take('runFail')
    expect(error.code).toBe('invalid_input')
    expect(error.message).toMatch(message)
    expect(isRetryable).toBe(false)
    expect(await engine.rest()).toEqual([])
  })

  test.each(['sleep', 'sleepUntil', 'waitForSignal', 'invoke', 'invokeAll', 'map'] as const)(
    'the name of step.%s',
    async (method) => {
      for (const name of ['', 'x'.repeat(257), 'half \ud800', 5]) {
        const job = jobOf((step) => Reflect.apply(step[method], step, [name, 5]))
        const engine = await serve({ job })
        engine.send(assign('job'))
        const { error } = await engine.take('runFail')
        expect(error).toMatchObject({ code: 'invalid_input' })
        expect(error.message).toMatch(new RegExp(`^step\\.${method}: "name" must be`))
      }
    },
  )
})
