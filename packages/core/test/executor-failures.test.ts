import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineJob } from '../src/job.js'
import { assign, executors } from './scripted-engine.js'

const { serve } = executors()

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
