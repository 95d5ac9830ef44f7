/** ACCEPTANCE C1, D1, E7: what a job's function may give to its step, where no other test has it. */
import { afterEach, describe, expect, test } from 'vitest'
import { defineJob } from '../src/job.js'
import type { Step } from '../src/step.js'
import { assign, type ScriptedEngine, welcomedExecutor } from './scripted-engine.js'

let close: () => void = () => undefined
afterEach(() => close())

async function serve(run: (step: Step) => unknown): Promise<ScriptedEngine> {
  const { executor, engine } = await welcomedExecutor({ job: defineJob({ name: 'job', run }) })
  close = () => {
    executor.close()
    engine.close()
  }
  engine.send(assign('job'))
  return engine
}

describe('step.run', () => {
  const bad: readonly (readonly [string, readonly unknown[], RegExp])[] = [
    ['no body', ['a'], /step\.run\("a"\).*second argument must be a function/],
    ['a value for a body', ['a', 5], /second argument must be a function/],
    ['a promise for a body', ['a', Promise.resolve(1)], /second argument must be a function/],
    ['null for a body', ['a', null], /second argument must be a function/],
    ['no name', [undefined, () => 1], /"name" must be a string/],
    ['null for a name', [null, () => 1], /"name" must be a string/],
    ['the body first', [() => 1, 'a'], /"name" must be a string/],
  ]
  test.each(bad)('refuses %s, and no step begins', async (_what, args, says) => {
    const engine = await serve((step) => Reflect.apply(step.run, step, args))
    const { error } = await engine.take('runFail')
    expect(error.code).toBe('invalid_input')
    expect(error.message).toMatch(says)
  })
})

describe('step.progress', () => {
  test.each([
    [[], 'current'],
    [[null], 'current'],
    [[Number.NEGATIVE_INFINITY], 'current'],
    [[{}], 'current'],
    [[1, -1], 'total'],
    [[1, Number.NaN], 'total'],
    [[1, '2'], 'total'],
    [[1, null], 'total'],
    [[1, 2, {}], 'message'],
    [[1, 2, null], 'message'],
  ])('refuses %j, names the argument, and tells nothing', async (args, option) => {
    const engine = await serve((step) => Reflect.apply(step.progress, step, args))
    const { error, report } = await engine.take('runFail')
    expect(error.code).toBe('invalid_input')
    expect(error.message).toContain(`"${option}"`)
    expect(report.progress).toBeUndefined()
  })
})

describe('step.log', () => {
  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [7, '7'],
    [{ a: 1 }, '[object Object]'],
    ['', ''],
  ])('stores %j for a message, and does not fail the job', async (message, stored) => {
    const engine = await serve((step) => Reflect.apply(step.log.info, step.log, [message]))
    const { report } = await engine.take('runComplete')
    expect(report.logs).toMatchObject([{ level: 'info', message: stored }])
  })

  test('data that cannot be stored does not fail the job, and says so in its place', async () => {
    const engine = await serve((step) => step.log.info('odd', { call: () => 1 }))
    const { report } = await engine.take('runComplete')
    expect(report.logs).toHaveLength(1)
    expect(String(report.logs[0]?.data)).toContain('call')
  })
})
