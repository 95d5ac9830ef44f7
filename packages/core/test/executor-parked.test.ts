import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startExecutor } from '../src/executor/runtime.js'
import { collectJobs, defineJob } from '../src/job.js'
import { durableEngines } from './durable-engine.js'
import { assign, executors, gate, quiet, scriptedEngine, welcome } from './scripted-engine.js'

const { serve, keep } = executors()
const durable = durableEngines()

/** Lines that nothing takes along leave alone after 100 ms: here that time never comes, however slow the machine. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Sleeps, and says how often its function was called. */
function sleeper() {
  const calls = { count: 0 }
  const job = defineJob({
    name: 'job',
    run: async (step) => {
      calls.count += 1
      await step.run('before', () => 1)
      await step.sleep('nap', '1h')
      return step.run('after', () => calls.count)
    },
  })
  return { job, calls }
}

describe('a parked function', () => {
  test('that does something by itself is held, says so, and does it once it is resumed', async () => {
    const own = gate()
    const seen: string[] = []
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        const nap = step.sleep('nap', '1h')
        await own.promise
        seen.push('by itself')
        await step.run('early', () => seen.push('ran'))
        await nap
      },
    })
    const engine = await durable({ job })
    engine.start('job')
    await engine.waiting()
    await quiet()
    own.open()
    await engine.until(() => engine.said.includes('stepCommit early'))
    expect(seen).toEqual(['by itself', 'ran'])
    expect(engine.said.slice(2)).toEqual(['wake', 'stepStart early', 'stepCommit early'])
    expect(engine.messages.find(({ type }) => type === 'wake')).toMatchObject({ generation: 1 })
    await engine.waiting()
    engine.end('nap', {})
    await engine.ended()
  })

  test('that ends by itself: its end is told once it is resumed', async () => {
    const own = gate()
    const job = defineJob({
      name: 'job',
      run: (step) => Promise.race([step.sleep('nap', '1h'), own.promise.then(() => 'own')]),
    })
    const engine = await durable({ job })
    engine.start('job')
    await engine.waiting()
    await quiet()
    own.open()
    expect((await engine.ended()).output).toBe('"own"')
    expect(engine.said).toEqual(['stepWait nap', 'suspend', 'wake', 'runComplete'])
  })

  test('that throws by itself fails the run once it is resumed', async () => {
    const own = gate()
    const job = defineJob({
      name: 'job',
      run: (step) =>
        Promise.race([
          step.sleep('nap', '1h'),
          own.promise.then(() => {
            throw new RangeError('own')
          }),
        ]),
    })
    const engine = await durable({ job })
    engine.start('job')
    await engine.waiting()
    await quiet()
    own.open()
    expect((await engine.ended()).error).toMatchObject({ name: 'RangeError', message: 'own' })
  })

  test('that does something while it is being suspended is woken as soon as it is parked', async () => {
    const own = gate()
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        const nap = step.sleep('nap', '1h')
        await own.promise
        await step.run('early', () => 1)
        await nap
      },
    })
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.take('stepWait')
    const { seq } = await engine.next('suspend')
    own.open()
    expect(await engine.rest()).toEqual([])
    engine.send({ type: 'ack', seqs: [seq] })
    await engine.next('wake')
    expect(await engine.rest()).toEqual([])
  })

  test('keeps what it logs for when it goes on, in order', async () => {
    const own = gate()
    const logged = gate()
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        const nap = step.sleep('nap', '1h')
        step.log.info('before')
        void own.promise.then(() => {
          step.log.info('parked')
          step.progress(1)
          logged.open()
        })
        await nap
        step.log.info('after')
      },
    })
    const engine = await durable({ job })
    engine.start('job')
    await engine.waiting()
    await quiet()
    own.open()
    await logged.promise
    await quiet()
    expect(engine.said.filter((what) => what === 'report' || what === 'wake')).toEqual([])
    engine.end('nap', {})
    await engine.ended()
    const reports = engine.messages.flatMap((message) =>
      'report' in message ? [message.report] : [],
    )
    const lines = reports.flatMap(({ logs }) => logs.map(({ message }) => message))
    expect(lines).toEqual(['before', 'parked', 'after'])
    const last = reports.at(-1)
    expect(last).toMatchObject({ firstOrdinal: 2, progress: { current: 1 } })
  })

  test('is no part of what is held, and outlives a restart of the engine, which hears its wish to go on', async () => {
    const own = gate()
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        const nap = step.sleep('nap', '1h')
        await own.promise
        await step.run('early', () => 1)
        await nap
      },
    })
    const first = scriptedEngine()
    const executor = startExecutor({ jobs: collectJobs({ job }), connect: first.connect })
    const second = scriptedEngine()
    keep({ executor, engine: first.engine })
    keep({ executor, engine: second.engine })
    await first.engine.next('hello')
    first.engine.send(welcome(1), assign('job'))
    await first.engine.take('stepWait')
    await first.engine.take('suspend')
    own.open()
    await first.engine.next('wake')
    executor.connect(second.connect)
    expect((await second.engine.next('hello')).holding).toEqual([])
    second.engine.send(welcome(2))
    expect(await second.engine.next('wake')).toMatchObject({ runId: 'run-1', generation: 1 })
    const resume = { type: 'resume', runId: 'run-1', generation: 2, timeoutMs: undefined } as const
    second.engine.send({ ...resume, steps: [] })
    expect(await second.engine.next('stepStart')).toMatchObject({
      stepName: 'early',
      generation: 2,
    })
  })

  test('that is cancelled hears its signal, and its finally blocks run', async () => {
    const seen: unknown[] = []
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        try {
          await step.sleep('nap', '1h')
        } finally {
          seen.push(Reflect.get(step.signal.reason, 'code'))
        }
      },
    })
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.take('stepWait')
    await engine.take('suspend')
    engine.send({ type: 'abort', runId: 'run-1', generation: 1, reason: 'cancelled' })
    await engine.next('released')
    expect(seen).toEqual(['cancelled'])
    expect(await engine.rest()).toEqual([])
  })

  test('that is assigned again although it is parked is aborted, and replayed', async () => {
    const { job, calls } = sleeper()
    const engine = await durable({ job })
    engine.start('job')
    await engine.waiting()
    engine.claims = 'assign'
    engine.end('nap', {})
    await engine.ended()
    expect(calls.count).toBe(2)
  })
})

describe('beyond the bound', () => {
  test('the one that has waited longest is dropped silently, and replayed when it goes on', async () => {
    const rejected: unknown[] = []
    const onRejection = (reason: unknown) => rejected.push(reason)
    process.on('unhandledRejection', onRejection)
    const calls: string[] = []
    const aborted: string[] = []
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        calls.push(step.runId)
        step.signal.addEventListener('abort', () => aborted.push(step.runId))
        await step.sleep('nap', '1h')
        return step.runId
      },
    })
    const engine = await durable({ job }, 2)
    const runIds = ['a', 'b', 'c']
    for (const runId of runIds) {
      engine.start('job', { runId })
      await engine.waiting(runId)
    }
    await quiet()
    expect(aborted).toEqual(['a'])
    for (const runId of runIds) engine.end('nap', {}, runId)
    for (const runId of runIds) expect((await engine.ended(runId)).output).toBe(`"${runId}"`)
    expect(calls).toEqual(['a', 'b', 'c', 'a'])
    expect(engine.said.filter((what) => what === 'unresumable')).toHaveLength(1)
    process.off('unhandledRejection', onRejection)
    expect(rejected).toEqual([])
  })

  test('one that has gone on counts as new when it waits again', async () => {
    const aborted: string[] = []
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        step.signal.addEventListener('abort', () => aborted.push(step.runId))
        await step.sleep('first', '1h')
        await step.sleep('second', '1h')
      },
    })
    const engine = await durable({ job }, 2)
    for (const runId of ['a', 'b']) {
      engine.start('job', { runId })
      await engine.waiting(runId)
    }
    engine.end('first', {}, 'a')
    await engine.waiting('a')
    engine.start('job', { runId: 'c' })
    await engine.waiting('c')
    await quiet()
    expect(aborted).toEqual(['b'])
  })
})
