import { describe, expect, test } from 'vitest'
import { startExecutor } from '../src/executor/runtime.js'
import { collectJobs, defineJob } from '../src/job.js'
import { durableEngines } from './durable-engine.js'
import {
  assign,
  executors,
  gate,
  scriptedEngine,
  step as storedStep,
  welcome,
} from './scripted-engine.js'

const { serve, keep } = executors()
const durable = durableEngines()

const WAITING = { status: 'waiting', completedIndex: undefined } as const

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

describe('a function that only waits', () => {
  test('is suspended, parked, and goes on where it was', async () => {
    const { job, calls } = sleeper()
    const engine = await durable({ job })
    engine.start('job')
    await engine.waiting()
    expect(engine.said).toEqual([
      'stepStart before',
      'stepCommit before',
      'stepWait nap',
      'suspend',
    ])
    expect(engine.messages.at(-1)).toMatchObject({ waits: ['nap'], isParked: true, generation: 1 })
    engine.end('nap', {})
    const { output } = await engine.ended()
    expect(output).toBe('1')
    expect(calls.count).toBe(1)
    expect(engine.messages.at(-1)).toMatchObject({ type: 'runComplete', generation: 2 })
  })

  test('is replayed where it is not resumed', async () => {
    const { job, calls } = sleeper()
    const engine = await durable({ job })
    engine.claims = 'assign'
    engine.start('job')
    await engine.waiting()
    engine.end('nap', {})
    expect((await engine.ended()).output).toBe('2')
    expect(calls.count).toBe(2)
    expect(engine.said.slice(4)).toEqual(['stepStart after', 'stepCommit after', 'runComplete'])
  })

  test('is not suspended while a body is at work, nor before an outcome is acknowledged', async () => {
    const slow = gate<number>()
    const job = defineJob({
      name: 'job',
      run: (step) => Promise.all([step.sleep('nap', 5), step.run('slow', () => slow.promise)]),
    })
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.take('stepWait')
    await engine.next('stepStart')
    expect(await engine.rest()).toEqual([])
    slow.open(1)
    const commit = await engine.next('stepCommit')
    expect(await engine.rest()).toEqual([])
    engine.send({ type: 'ack', seqs: [commit.seq] })
    expect((await engine.next('suspend')).waits).toEqual(['nap'])
  })

  test('is not suspended before what was acknowledged has reached its code and its code has gone on', async () => {
    const order: string[] = []
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        const nap = step.sleep('nap', 5)
        await step.run('a', () => 1)
        for (let i = 0; i < 100; i++) await null
        order.push('on')
        await Promise.all([nap, step.run('b', () => 2)])
      },
    })
    const engine = await durable({ job })
    engine.start('job')
    await engine.waiting()
    expect(order).toEqual(['on'])
    expect(engine.said.filter((what) => what === 'suspend')).toHaveLength(1)
    expect(engine.said.indexOf('suspend')).toBeGreaterThan(engine.said.indexOf('stepCommit b'))
  })

  test('names its open waits in the order of the calls, and no step else', async () => {
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        await step.run('done', () => 1)
        await Promise.all([step.waitForSignal('second'), step.sleep('third', 5)])
      },
    })
    const engine = await durable({ job })
    engine.start('job')
    await engine.waiting()
    expect(engine.messages.at(-1)).toMatchObject({ waits: ['second', 'third'] })
  })

  test('waits again in a replay without saying so', async () => {
    const { job } = sleeper()
    const engine = await serve({ job })
    const memo = [
      storedStep('before', { completedIndex: 0, output: '1' }),
      storedStep('nap', { kind: 'sleep', ...WAITING }),
    ]
    engine.send(assign('job', { memo }))
    expect((await engine.next('suspend')).waits).toEqual(['nap'])
  })

  test('a plain step costs no suspension and no more messages than before', async () => {
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        for (let i = 0; i < 3; i++) await step.run(`s${i}`, () => i)
      },
    })
    const engine = await durable({ job })
    engine.start('job')
    await engine.ended()
    expect(engine.wire.arrays).toEqual([1, 2, 2, 2, 1])
  })
})

describe('while it is being suspended', () => {
  const both = defineJob({
    name: 'job',
    run: async (step) => {
      await Promise.race([step.sleep('nap', 5), step.waitForSignal('go')])
      return step.run('after', () => 'went on')
    },
  })
  const nap = storedStep('nap', { kind: 'sleep', completedIndex: 0 })

  test('a wait ends: it goes on, and is not parked', async () => {
    const engine = await serve({ job: both })
    engine.send(assign('job'))
    await engine.take('stepWait')
    await engine.take('stepWait')
    const suspend = await engine.next('suspend')
    const resolved = { type: 'resolved', runId: 'run-1', generation: 1, step: nap } as const
    // It crossed the question; the engine tells it again before it acknowledges.
    engine.send(resolved)
    await engine.next('stepStart')
    const commit = await engine.next('stepCommit')
    engine.send(resolved, { type: 'ack', seqs: [suspend.seq] })
    engine.send({ type: 'ack', seqs: [commit.seq] })
    expect((await engine.take('runComplete')).output).toBe('"went on"')
    expect(await engine.rest()).toEqual([])
  })

  test('the end of a wait and the acknowledgement come together: it goes on', async () => {
    const engine = await serve({ job: both })
    engine.send(assign('job'))
    await engine.take('stepWait')
    await engine.take('stepWait')
    const { seq } = await engine.next('suspend')
    engine.send(
      { type: 'resolved', runId: 'run-1', generation: 1, step: nap },
      { type: 'ack', seqs: [seq] },
    )
    await engine.next('stepStart')
    await engine.take('stepCommit')
    await engine.take('runComplete')
  })

  test('the end of a wait that it did not name is kept until it goes on', async () => {
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        await step.sleep('nap', 5)
        return step.waitForSignal('later')
      },
    })
    const engine = await serve({ job })
    const memo = [
      storedStep('nap', { kind: 'sleep', ...WAITING }),
      storedStep('later', { kind: 'signal', ...WAITING }),
    ]
    engine.send(assign('job', { memo }))
    const { seq, waits } = await engine.next('suspend')
    expect(waits).toEqual(['nap'])
    const later = storedStep('later', { kind: 'signal', completedIndex: 0, output: '"came"' })
    engine.send({ type: 'resolved', runId: 'run-1', generation: 1, step: later })
    engine.send({ type: 'ack', seqs: [seq] })
    engine.send({
      type: 'resume',
      runId: 'run-1',
      generation: 2,
      timeoutMs: undefined,
      steps: [storedStep('nap', { kind: 'sleep', completedIndex: 1 })],
    })
    expect((await engine.take('runComplete')).output).toBe('{"received":true,"value":"came"}')
  })

  test('an engine restarts: it is asked again under the new generation', async () => {
    const first = scriptedEngine()
    const executor = startExecutor({
      jobs: collectJobs({ job: both }),
      connect: first.connect,
    })
    const second = scriptedEngine()
    keep({ executor, engine: first.engine })
    keep({ executor, engine: second.engine })
    await first.engine.next('hello')
    first.engine.send(welcome(1), assign('job', { generation: 5 }))
    await first.engine.take('stepWait')
    await first.engine.take('stepWait')
    await first.engine.next('suspend')
    executor.connect(second.connect)
    expect((await second.engine.next('hello')).holding).toEqual([{ runId: 'run-1', generation: 5 }])
    second.engine.send(welcome(2, { runId: 'run-1', generation: 6 }))
    expect(await second.engine.take('suspend')).toMatchObject({
      generation: 6,
      waits: ['nap', 'go'],
    })
    const steps = [nap]
    const resume = { type: 'resume', runId: 'run-1', generation: 7, timeoutMs: undefined } as const
    second.engine.send({ ...resume, steps })
    expect(await second.engine.next('stepStart')).toMatchObject({ generation: 7 })
  })
})

test('what is told under an older generation is ignored', async () => {
  const { job } = sleeper()
  const engine = await serve({ job })
  const memo = [storedStep('before', { completedIndex: 0, output: '1' })]
  engine.send(assign('job', { memo, generation: 2 }))
  await engine.take('stepWait')
  const { seq } = await engine.next('suspend')
  const ended = storedStep('nap', { kind: 'sleep', completedIndex: 1 })
  engine.send({ type: 'resolved', runId: 'run-1', generation: 1, step: ended })
  expect(await engine.rest()).toEqual([])
  engine.send(
    { type: 'resolved', runId: 'run-1', generation: 2, step: ended },
    { type: 'ack', seqs: [seq] },
  )
  await engine.next('stepStart')
})
