import { describe, expect, test } from 'vitest'
import { defineJob } from '../src/job.js'
import { assign, executors, failure, stored } from './scripted-engine.js'

const { serve } = executors()

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
    const error = failure({
      name: 'TypeError',
      stack: 'TypeError: broken\n  at x',
      stepName: 'bad',
    })
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
