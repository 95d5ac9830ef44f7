import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Executor, startExecutor } from '../src/executor/runtime.js'
import { collectJobs, defineJob } from '../src/job.js'
import {
  assign,
  gate,
  quiet,
  type ScriptedEngine,
  scriptedEngine,
  stored,
  welcome,
  welcomedExecutor,
} from './scripted-engine.js'

let open: { executor: Executor; engine: ScriptedEngine }[] = []
afterEach(() => {
  for (const { executor, engine } of open) {
    executor.close()
    engine.close()
  }
  open = []
})

async function serve(jobs: object): Promise<ScriptedEngine> {
  const started = await welcomedExecutor(jobs)
  open.push(started)
  return started.engine
}

describe('a run', () => {
  test('starts, stores and acknowledges step by step, and a step waits for its acknowledgement', async () => {
    const seen: unknown[] = []
    const job = defineJob({
      name: 'job',
      run: async (step, input: { n: number }) => {
        const a = await step.run('a', ({ attempt, idempotencyKey }) => {
          seen.push(attempt, idempotencyKey)
          return { n: input.n, gone: undefined, zero: -0 }
        })
        seen.push(a)
        return step.run('b', async () => a.n + 1)
      },
    })
    const engine = await serve({ job })
    engine.send(assign('job', { input: '{"n":1}' }))

    expect(await engine.next('stepStart')).toMatchObject({ seq: 0, stepName: 'a', attempt: 1 })
    const first = await engine.next('stepCommit')
    expect(first).toMatchObject({ stepName: 'a', attempt: 1, output: '{"n":1,"zero":0}' })
    expect(await engine.rest()).toEqual([])
    expect(seen).toEqual([1, 'run-1:a'])

    engine.send({ type: 'ack', seqs: [first.seq] })
    await engine.next('stepStart')
    expect(seen[2]).toStrictEqual({ n: 1, zero: 0 })
    expect((await engine.take('stepCommit')).output).toBe('2')
    expect((await engine.take('runComplete')).output).toBe('2')
    expect(await engine.rest()).toEqual([])
  })

  test('a quick step leaves as one message with its start', async () => {
    const job = defineJob({ name: 'job', run: (step) => step.run('a', () => 1) })
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.next('stepStart')
    await engine.take('stepCommit')
    await engine.take('runComplete')
    expect(engine.arrays).toEqual([1, 2, 1])
  })

  test('runs that are acknowledged together speak together', async () => {
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        for (let i = 0; i < 3; i++) await step.run(`s${i}`, async () => i)
      },
    })
    const engine = await serve({ job })
    const runIds = Array.from({ length: 16 }, (_, i) => `run-${i}`)
    engine.send(...runIds.map((runId) => assign('job', { runId })))
    const seqs: number[] = []
    for (const _ of runIds) await engine.next('stepStart')
    for (const _ of runIds) seqs.push((await engine.next('stepCommit')).seq)
    engine.send({ type: 'ack', seqs })
    for (const _ of runIds) await engine.next('stepStart')
    for (const _ of runIds) await engine.next('stepCommit')
    expect(engine.arrays).toEqual([1, 32, 32])
  })

  test('memoised steps cost no message, a failed one is thrown again with its name, and the next attempt counts', async () => {
    const caught: unknown[] = []
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        const a = await step.run('a', () => 'not run')
        await step.run('bad', () => 'not run').catch((error: unknown) => caught.push(error))
        const again = await step.run('again', ({ attempt }) => attempt)
        return [a, again]
      },
    })
    const engine = await serve({ job })
    const error = {
      name: 'TypeError',
      message: 'broken',
      stack: 'TypeError: broken\n  at x',
      code: 'error',
      causes: [],
      attempt: 1,
      stepName: 'bad',
    } as const
    const pending = { status: 'pending', completedIndex: undefined, error, attempt: 2 } as const
    const memo = [
      stored('a', 0, '"old"'),
      { ...stored('bad', 1, ''), status: 'failed' as const, output: undefined, error },
      { ...stored('again', 2, ''), ...pending, output: undefined },
    ]
    engine.send(assign('job', { memo, attempt: 2 }))
    expect(await engine.next('stepStart')).toMatchObject({ stepName: 'again', attempt: 3 })
    await engine.take('stepCommit')
    expect((await engine.take('runComplete')).output).toBe('["old",3]')
    expect(caught[0]).toBeInstanceOf(TypeError)
    expect(caught[0]).toMatchObject({ message: 'broken', stack: 'TypeError: broken\n  at x' })
  })

  test('a race of memoised steps ends as it ended first, however long the chains behind it are', async () => {
    const order: string[] = []
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        const chain = async (name: string, hops: number) => {
          await step.run(name, () => null)
          for (let i = 0; i < hops; i++) await null
          order.push(name)
        }
        await Promise.all([chain('a', 0), chain('b', 5), chain('c', 50)])
      },
    })
    const engine = await serve({ job })
    const memo = [stored('c', 0, 'null'), stored('b', 1, 'null'), stored('a', 2, 'null')]
    engine.send(assign('job', { memo }))
    await engine.take('runComplete')
    expect(order).toEqual(['c', 'b', 'a'])
  })

  test('new results are released in the order of their acknowledgement, with the same rule', async () => {
    const order: string[] = []
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        const chain = async (name: string, hops: number) => {
          await step.run(name, () => null)
          for (let i = 0; i < hops; i++) await null
          order.push(name)
        }
        await Promise.all([chain('a', 50), chain('b', 0), chain('old', 0)])
      },
    })
    const engine = await serve({ job })
    engine.send(assign('job', { memo: [stored('old', 0, 'null')] }))
    await engine.next('stepStart')
    const a = await engine.next('stepCommit')
    await engine.next('stepStart')
    const b = await engine.next('stepCommit')
    engine.send({ type: 'ack', seqs: [a.seq, b.seq] })
    await engine.take('runComplete')
    expect(order).toEqual(['old', 'a', 'b'])
  })
})

describe('what fails a run', () => {
  test('a step name that is used twice, even where the code catches it', async () => {
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        await step.run('page', () => 1)
        await step.run('page', () => 2).catch(() => 'swallowed')
      },
    })
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.next('stepStart')
    await engine.take('stepCommit')
    const { error } = await engine.take('runFail')
    expect(error).toMatchObject({ code: 'duplicate_step', stepName: 'page' })
    expect(error.message).toMatch(/page-\$\{i\}/)
  })

  test('the error of a step, which the failure names, also as the cause of another', async () => {
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        try {
          await step.run('fetch', () => {
            throw new RangeError('inner')
          })
        } catch (cause) {
          throw new Error('outer', { cause })
        }
      },
    })
    const engine = await serve({ job })
    engine.send(assign('job', { attempt: 2 }))
    await engine.next('stepStart')
    const failed = await engine.take('stepFail')
    expect(failed.error).toMatchObject({ name: 'RangeError', message: 'inner', stepName: 'fetch' })
    const { error } = await engine.take('runFail')
    expect(error).toMatchObject({ name: 'Error', message: 'outer', stepName: 'fetch', attempt: 1 })
    expect(error.stack).toMatch(/Caused by: RangeError: inner/)
  })

  test('a value that is not serialisable: the step fails at its first execution', async () => {
    const job = defineJob({
      name: 'job',
      run: (step) => step.run('a', () => ({ at: new Date(0) })),
    })
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.next('stepStart')
    const { error } = await engine.take('stepFail')
    expect(error.code).toBe('not_serializable')
    expect(error.message).toMatch(/The output of step "a".*\$\.at/)
    expect((await engine.take('runFail')).error).toMatchObject({
      code: 'not_serializable',
      stepName: 'a',
    })
  })

  test('an output that its schema refuses; and the output is what the schema makes of it', async () => {
    const output = z.object({ n: z.number().default(7) })
    const bad = defineJob({ name: 'bad', output, run: async () => JSON.parse('{"n":"x"}') })
    const good = defineJob({ name: 'good', output, run: async () => ({}) })
    const engine = await serve({ bad, good })
    engine.send(assign('bad'))
    const { error } = await engine.take('runFail')
    expect(error).toMatchObject({ code: 'invalid_input', stepName: undefined, attempt: 1 })
    expect(error.message).toMatch(/The output of job "bad".*n/)
    engine.send(assign('good', { runId: 'run-2' }))
    expect((await engine.take('runComplete')).output).toBe('{"n":7}')
  })

  test.each([
    ['a text', 'plain', { name: 'Error', message: 'plain' }],
    ['an object', { reason: 1 }, { name: 'Error', message: '{"reason":1}' }],
    ['nothing', undefined, { name: 'Error', message: 'undefined' }],
  ])('%s that is thrown instead of an error', async (_what, thrown, expected) => {
    const job = defineJob({ name: 'job', run: () => Promise.reject(thrown) })
    const engine = await serve({ job })
    engine.send(assign('job'))
    expect((await engine.take('runFail')).error).toMatchObject({ ...expected, code: 'error' })
  })

  test.each([[''], ['x'.repeat(257)], ['half \ud800'], [JSON.parse('5')]])(
    'the step name %j',
    async (name) => {
      const job = defineJob({ name: 'job', run: (step) => step.run(name, () => 1) })
      const engine = await serve({ job })
      engine.send(assign('job'))
      expect((await engine.take('runFail')).error.code).toBe('invalid_input')
    },
  )
})

describe('abort', () => {
  test('a cancelled run hears its signal, runs its finally blocks, starts no step and gives its slot back', async () => {
    const seen: string[] = []
    const late = gate<string>()
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        try {
          await step.run('slow', ({ signal }) => {
            signal.addEventListener('abort', () => seen.push('signal'))
            return late.promise
          })
        } finally {
          seen.push('finally')
          await step
            .run('cleanup', () => seen.push('ran'))
            .catch((error: unknown) => {
              seen.push(String(Reflect.get(Object(error), 'code')))
            })
        }
      },
    })
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.next('stepStart')
    engine.send({ type: 'abort', runId: 'run-1', generation: 1, reason: 'cancelled' })
    expect(await engine.next('released')).toMatchObject({ runId: 'run-1', generation: 1, seq: 0 })
    expect(seen).toEqual(['signal', 'finally', 'cancelled'])
    late.open('late')
    expect(await engine.rest()).toEqual([])
  })

  test('a refusal does the same, once', async () => {
    const job = defineJob({
      name: 'job',
      run: (step) => Promise.all([step.run('a', () => 1), step.run('b', () => 2)]),
    })
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.next('stepStart')
    const a = await engine.next('stepCommit')
    await engine.next('stepStart')
    const b = await engine.next('stepCommit')
    const refused = { type: 'refused', runId: 'run-1', reason: 'lease_lost' } as const
    engine.send(
      { ...refused, seq: a.seq },
      { ...refused, seq: b.seq },
      { type: 'abort', runId: 'run-1', generation: 1, reason: 'lease_lost' },
    )
    expect(await engine.rest()).toEqual(['released'])
  })

  test('an abort of what is not here is answered at once', async () => {
    const engine = await serve({})
    engine.send({ type: 'abort', runId: 'other', generation: 9, reason: 'lease_lost' })
    expect(await engine.next('released')).toMatchObject({ runId: 'other', generation: 9 })
  })

  test('a function that ends before its parallel steps aborts them and discards what they make', async () => {
    const late = gate<number>()
    const aborted: unknown[] = []
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        const quick = step.run('quick', () => 'done')
        const slow = step.run('slow', ({ signal }) => {
          signal.addEventListener('abort', () => aborted.push(signal.aborted))
          return late.promise
        })
        return Promise.race([quick, slow])
      },
    })
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.next('stepStart')
    const quick = await engine.next('stepCommit')
    await engine.next('stepStart')
    engine.send({ type: 'ack', seqs: [quick.seq] })
    await engine.take('runComplete')
    expect(aborted).toEqual([true])
    late.open(1)
    expect(await engine.rest()).toEqual([])
  })
})

describe('a restarted engine', () => {
  test('adopts a run: its body goes on, its unanswered messages are sent again under the new generation', async () => {
    const slow = gate<string>()
    let calls = 0
    const job = defineJob({
      name: 'job',
      run: (step) =>
        Promise.all([
          step.run('quick', () => 'q'),
          step.run('slow', () => {
            calls += 1
            return slow.promise
          }),
        ]),
    })
    const first = scriptedEngine()
    const executor = startExecutor({ jobs: collectJobs({ job }), connect: first.connect })
    const second = scriptedEngine()
    open.push({ executor, engine: first.engine }, { executor, engine: second.engine })
    await first.engine.next('hello')
    first.engine.send(welcome(1), assign('job', { generation: 5 }))
    await first.engine.next('stepStart')
    const lost = await first.engine.next('stepCommit')
    expect(lost.generation).toBe(5)

    executor.connect(second.connect)
    const hello = await second.engine.next('hello')
    expect(hello.holding).toEqual([{ runId: 'run-1', generation: 5 }])
    second.engine.send(welcome(2, { runId: 'run-1', generation: 6 }))
    const again = await second.engine.take('stepCommit')
    expect(again).toMatchObject({ seq: lost.seq, stepName: 'quick', generation: 6 })
    expect(await second.engine.next('stepStart')).toMatchObject({ stepName: 'slow', generation: 6 })
    slow.open('s')
    expect(await second.engine.take('stepCommit')).toMatchObject({
      stepName: 'slow',
      generation: 6,
    })
    expect((await second.engine.take('runComplete')).output).toBe('["q","s"]')
    expect(calls).toBe(1)
  })

  test('does not adopt it: the run is aborted, and nothing of it is sent', async () => {
    const reasons: unknown[] = []
    const job = defineJob({
      name: 'job',
      run: (step) =>
        step.run('slow', ({ signal }) => {
          signal.addEventListener('abort', () => reasons.push(Reflect.get(signal.reason, 'code')))
          return new Promise(() => undefined)
        }),
    })
    const first = scriptedEngine()
    const executor = startExecutor({ jobs: collectJobs({ job }), connect: first.connect })
    const second = scriptedEngine()
    open.push({ executor, engine: first.engine }, { executor, engine: second.engine })
    await first.engine.next('hello')
    first.engine.send(welcome(1), assign('job'))
    await first.engine.next('stepStart')
    executor.connect(second.connect)
    await second.engine.next('hello')
    second.engine.send(welcome(2))
    expect(await second.engine.rest()).toEqual([])
    expect(reasons).toEqual(['lease_lost'])
    second.engine.send(assign('job', { generation: 2 }))
    expect(await second.engine.next('stepStart')).toMatchObject({ generation: 2 })
  })

  test('what a body makes while no engine is there is sent after the welcome', async () => {
    const slow = gate<string>()
    const job = defineJob({ name: 'job', run: (step) => step.run('slow', () => slow.promise) })
    const first = scriptedEngine()
    const executor = startExecutor({ jobs: collectJobs({ job }), connect: first.connect })
    const second = scriptedEngine()
    open.push({ executor, engine: first.engine }, { executor, engine: second.engine })
    await first.engine.next('hello')
    first.engine.send(welcome(1), assign('job'))
    await first.engine.next('stepStart')
    executor.connect(second.connect)
    await second.engine.next('hello')
    slow.open('s')
    await quiet()
    second.engine.send(welcome(2, { runId: 'run-1', generation: 2 }))
    expect(await second.engine.take('stepCommit')).toMatchObject({ generation: 2, output: '"s"' })
    await second.engine.take('runComplete')
  })
})

describe('logs and progress', () => {
  test('travel with the outcome, name the right step and go on counting', async () => {
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        step.log.info('before', { n: 1 })
        await Promise.all([
          step.run('a', async ({ log }) => {
            step.log.debug('sync a')
            await null
            log.warn('late a')
          }),
          step.run('b', async ({ log }) => {
            await null
            await null
            log.error('late b', new Date(0))
            step.progress(1, 2, 'half')
          }),
        ])
        step.log.info('after')
      },
    })
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.next('stepStart')
    await engine.next('stepStart')
    const a = await engine.take('stepCommit')
    const b = await engine.take('stepCommit')
    const end = await engine.take('runComplete')
    const reports = [a.report, b.report, end.report]
    const lines = reports.flatMap(({ logs }) => logs)
    expect(lines.map(({ message, stepName }) => [message, stepName])).toEqual([
      ['before', undefined],
      ['sync a', 'a'],
      ['late a', 'a'],
      ['late b', 'b'],
      ['after', undefined],
    ])
    expect(lines[0]?.data).toBe('{"n":1}')
    expect(lines[3]?.data).toMatch(/dropped.*Date/)
    let ordinal = 1
    for (const { firstOrdinal, logs } of reports) {
      expect(firstOrdinal).toBe(ordinal)
      ordinal += logs.length
    }
    expect(b.report.progress).toEqual({ current: 1, total: 2, message: 'half' })
  })

  test('a storm of progress in a long body becomes one report, with the last value', async () => {
    const slow = gate()
    const job = defineJob({
      name: 'job',
      run: (step) =>
        step.run('slow', async () => {
          for (let i = 1; i <= 1_000; i++) step.progress(i, 1_000)
          await slow.promise
        }),
    })
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.next('stepStart')
    const { report } = await engine.take('report')
    expect(report).toEqual({
      firstOrdinal: 1,
      logs: [],
      progress: { current: 1_000, total: 1_000, message: undefined },
    })
    slow.open()
    await engine.take('stepCommit')
    await engine.take('runComplete')
    expect(await engine.rest()).toEqual([])
  })

  test('10,000 lines of a body that blocks its thread leave in portions, and none is lost', async () => {
    const job = defineJob({
      name: 'job',
      run: (step) =>
        step.run('loud', ({ log }) => {
          for (let i = 0; i < 10_500; i++) log.info(`line ${i}`)
        }),
    })
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.next('stepStart')
    const lines: string[] = []
    for (let i = 0; i < 10; i++) {
      const { report } = await engine.take('report')
      expect(report.firstOrdinal).toBe(lines.length + 1)
      lines.push(...report.logs.map(({ message }) => message))
    }
    const { report } = await engine.take('stepCommit')
    lines.push(...report.logs.map(({ message }) => message))
    expect(lines).toEqual(Array.from({ length: 10_500 }, (_, i) => `line ${i}`))
  })

  test.each([
    [[NaN], 'current'],
    [[-1], 'current'],
    [['5'], 'current'],
    [[1, Infinity], 'total'],
    [[1, 2, 3], 'message'],
  ])('progress(%j) is refused and names the argument', async (args, option) => {
    const job = defineJob({
      name: 'job',
      run: async (step) => Reflect.apply(step.progress, step, args),
    })
    const engine = await serve({ job })
    engine.send(assign('job'))
    const { error } = await engine.take('runFail')
    expect(error.code).toBe('invalid_input')
    expect(error.message).toContain(`"${option}"`)
  })
})

test('new jobs are told to the engine, and runs in progress go on', async () => {
  const slow = gate<number>()
  const job = defineJob({ name: 'job', run: (step) => step.run('slow', () => slow.promise) })
  const other = defineJob({ name: 'other', run: async () => 1 })
  const started = await welcomedExecutor({ job })
  open.push(started)
  const { engine, executor } = started
  engine.send(assign('job'))
  await engine.next('stepStart')
  executor.setJobs(collectJobs({ other }))
  const hello = await engine.next('hello')
  expect(hello).toMatchObject({
    jobs: [{ name: 'other' }],
    holding: [{ runId: 'run-1', generation: 1 }],
  })
  engine.send(welcome(1, { runId: 'run-1', generation: 1 }))
  await engine.next('stepStart')
  slow.open(1)
  await engine.take('stepCommit')
  await engine.take('runComplete')
})
