/** `defineParentJob`: which steps it makes, what comes of them, and what is refused. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { isStepwellError } from '../src/errors.js'
import { type AnyJob, defineJob, defineParentJob, type Settled } from '../src/index.js'
import { jobDefinition } from '../src/job.js'
import { fakeStep, type StepCall } from './fake-step.js'

const part = defineJob({ name: 'part', run: (_step, n: number) => n * 10 })
const sum = defineJob({
  name: 'sum',
  run: (_step, results: { input: number[]; output: string; children: Settled<number>[] }) =>
    results.children.length,
})
const plan = (_step: unknown, input: number[]) => ({
  output: 'mine',
  children: input.map((n) => ({ job: part, input: n })),
})
const run = (job: AnyJob, input: unknown, answer: (call: StepCall) => unknown) => {
  const fake = fakeStep(answer)
  return { ...fake, result: Promise.resolve(jobDefinition(job).run(fake.step, input)) }
}
const settled: readonly Settled<number>[] = [
  { status: 'completed', runId: 'a', output: 10 },
  { status: 'cancelled', runId: 'b' },
]

describe('without finalize', () => {
  const job = defineParentJob({ name: 'parent', run: plan })

  test('the output has the own output and those of the children', async () => {
    const { calls, result } = run(job, [1, 2], () => [10, 20])
    expect(await result).toEqual({ output: 'mine', children: [10, 20] })
    expect(calls).toEqual([
      {
        call: 'invokeAll',
        name: 'children',
        mode: 'failFast',
        children: [
          { job: 'part', input: 1 },
          { job: 'part', input: 2 },
        ],
      },
    ])
  })

  test('the failure of a child is that of the job', async () => {
    const failure = new TypeError('child a: no')
    const { result } = run(job, [1], () => {
      throw failure
    })
    await expect(result).rejects.toBe(failure)
  })

  test('no children are fine', async () => {
    const { result } = run(job, [], () => [])
    expect(await result).toEqual({ output: 'mine', children: [] })
  })
})

describe('finalize as a function', () => {
  test('gets the input, the output and how each child ended, and has steps', async () => {
    const job = defineParentJob({
      name: 'parent',
      run: plan,
      finalize: (step, results) => step.run('made', () => results),
    })
    const { calls, result } = run(job, [1, 2], ({ call }) => (call === 'run' ? null : settled))
    expect(await result).toEqual({ input: [1, 2], output: 'mine', children: settled })
    expect(calls).toMatchObject([
      { call: 'invokeAll', name: 'children', mode: 'settled' },
      { call: 'run', name: 'made' },
    ])
  })

  test('what it throws is the failure of the job', async () => {
    const job = defineParentJob({
      name: 'parent',
      run: plan,
      finalize: () => {
        throw new RangeError('no')
      },
    })
    await expect(run(job, [], () => []).result).rejects.toThrow(new RangeError('no'))
  })
})

test('finalize as a job is a child of its own, with the results as its input', async () => {
  const job = defineParentJob({ name: 'parent', run: plan, finalize: sum })
  const { calls, result } = run(job, [1, 2], ({ call }) => (call === 'invoke' ? 7 : settled))
  expect(await result).toBe(7)
  expect(calls).toMatchObject([
    { call: 'invokeAll', name: 'children', mode: 'settled' },
    {
      call: 'invoke',
      name: 'finalize',
      job: 'sum',
      input: { input: [1, 2], output: 'mine', children: settled },
    },
  ])
})

test('the function that plans is awaited, and may have steps', async () => {
  const job = defineParentJob({
    name: 'parent',
    run: async (step) => ({ output: await step.run('own', () => 1), children: [] }),
  })
  const { calls, result } = run(job, undefined, () => [])
  expect(await result).toEqual({ output: 1, children: [] })
  expect(calls.map(({ name }) => name)).toEqual(['own', 'children'])
})

test('the options of a job are those of this one', () => {
  const input = z.array(z.number())
  const labels = z.object({ tenant: z.string() })
  const job = defineParentJob({
    name: 'parent',
    input,
    labels,
    maxRecoveries: 3,
    concurrency: 2,
    retry: { maxAttempts: 4 },
    timeout: '5m',
    network: 'online',
    run: plan,
  })
  expect(job.name).toBe('parent')
  expect(jobDefinition(job)).toMatchObject({
    name: 'parent',
    input,
    output: undefined,
    labels,
    maxRecoveries: 3,
    concurrency: 2,
    retry: { maxAttempts: 4, initialDelayMs: 1000 },
    timeoutMs: 300_000,
    needsNetwork: true,
  })
})

async function refusal(call: () => unknown): Promise<string> {
  try {
    await call()
  } catch (error) {
    if (isStepwellError(error, 'invalid_input')) return error.message
    throw error
  }
  throw new Error('nothing was refused')
}

describe('defineParentJob', () => {
  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ['nothing', undefined, /defineParentJob takes an object with at least name and run/],
    ['null', null, /defineParentJob takes an object/],
    ['no name', { run: plan }, /name of defineParentJob.*undefined/],
    ['an empty name', { name: '', run: plan }, /name of defineParentJob/],
    ['a long name', { name: 'ü'.repeat(129), run: plan }, /name of defineParentJob.*256 bytes/],
    ['no function', { name: 'a' }, /run of job "a" must be a function/],
    ['a finalize that is none', { name: 'a', run: plan, finalize: {} }, /finalize of job "a"/],
    ['finalize by name', { name: 'a', run: plan, finalize: 'sum' }, /finalize of job "a".*"sum"/],
    ['finalize as null', { name: 'a', run: plan, finalize: null }, /finalize of job "a".*null/],
    ['an output schema', { name: 'a', run: plan, output: z.number() }, /the option "output"/],
    ['a misspelt option', { name: 'a', run: plan, finalise: sum }, /the option "finalise"/],
    ['an input that is none', { name: 'a', run: plan, input: {} }, /input of job "a"/],
    ['labels that are none', { name: 'a', run: plan, labels: 1 }, /labels of job "a"/],
    ['a bad retry', { name: 'a', run: plan, retry: {} }, /retry of job "a" needs maxAttempts/],
    ['a bad timeout', { name: 'a', run: plan, timeout: 0 }, /timeout of job "a"/],
    ['a bad network', { name: 'a', run: plan, network: 'on' }, /network of job "a"/],
    ['bad recoveries', { name: 'a', run: plan, maxRecoveries: 0 }, /maxRecoveries of job "a"/],
    ['bad concurrency', { name: 'a', run: plan, concurrency: 0 }, /concurrency of job "a"/],
  ]
  test.each(bad)('refuses %s', async (_what, config, message) => {
    const call = () => Reflect.apply(defineParentJob, undefined, [config])
    expect(await refusal(call)).toMatch(message)
  })

  test.each([
    ['nothing', undefined, /result of the function run of job "parent".*undefined/],
    ['children alone', [{ job: part, input: 1 }], /\{ output, children \}, and is an array/],
    ['no children', { output: 1 }, /children must be an array.*undefined/],
    ['children as an object', { output: 1, children: {} }, /children must be an array/],
    ['a misspelt output', { outputs: 1, children: [] }, /"outputs"/],
  ])('a plan that is %s fails the run before any child is made', async (_what, value, message) => {
    const job = Reflect.apply(defineParentJob, undefined, [{ name: 'parent', run: () => value }])
    const { calls, result } = run(job, 1, () => [])
    expect(await refusal(() => result)).toMatch(message)
    expect(calls).toEqual([])
  })
})
