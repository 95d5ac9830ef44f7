import { describe, expect, test } from 'vitest'
import { defineJob } from '../src/job.js'
import { assign, executors, gate } from './scripted-engine.js'

const { serve } = executors()

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
