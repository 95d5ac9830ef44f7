import { describe, expect, test } from 'vitest'
import { startExecutor } from '../src/executor/runtime.js'
import { collectJobs, defineJob } from '../src/job.js'
import {
  assign,
  executors,
  gate,
  quiet,
  scriptedEngine,
  welcome,
  welcomedExecutor,
} from './scripted-engine.js'

const { keep } = executors()

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
    keep({ executor, engine: first.engine })
    keep({ executor, engine: second.engine })
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
    keep({ executor, engine: first.engine })
    keep({ executor, engine: second.engine })
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
    keep({ executor, engine: first.engine })
    keep({ executor, engine: second.engine })
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

test('new jobs are told to the engine, and runs in progress go on', async () => {
  const slow = gate<number>()
  const job = defineJob({ name: 'job', run: (step) => step.run('slow', () => slow.promise) })
  const other = defineJob({ name: 'other', run: async () => 1 })
  const { engine, executor } = keep(await welcomedExecutor({ job }))
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
