import { describe, expect, test } from 'vitest'
import { defineJob } from '../src/job.js'
import { assign, executors, gate } from './scripted-engine.js'

const { serve } = executors()

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
