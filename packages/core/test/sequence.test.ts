/** `sequence`: which steps it makes, what comes of them, and what is refused. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { isStepwellError, StepwellError } from '../src/errors.js'
import { type AnyJob, defineJob, NonRetryableError, sequence } from '../src/index.js'
import { jobDefinition } from '../src/job.js'
import { isNonRetryableError } from '../src/job-errors.js'
import { validate } from '../src/schema.js'
import { fakeStep, type StepCall } from './fake-step.js'

const length = defineJob({
  name: 'length',
  input: z.string().min(2).trim(),
  run: (_step, text) => text.length,
})
const half = defineJob({ name: 'half', run: (_step, n: number) => n / 2 })
const show = defineJob({ name: 'show', run: (_step, n: number) => `${n}` })
const job = sequence('chain', [length, half, show])
const run = (sequential: AnyJob, input: unknown, answer: (call: StepCall) => unknown) => {
  const fake = fakeStep(answer)
  return { ...fake, result: Promise.resolve(jobDefinition(sequential).run(fake.step, input)) }
}
const answers: Readonly<Record<string, unknown>> = { 'job:0': 4, 'job:1': 2, 'job:2': '2' }

test('each output is the next input, and the last one is the output', async () => {
  const { calls, result } = run(job, 'text', ({ name }) => answers[name])
  expect(await result).toBe('2')
  expect(calls).toEqual([
    { call: 'invoke', name: 'job:0', job: 'length', input: 'text' },
    { call: 'invoke', name: 'job:1', job: 'half', input: 4 },
    { call: 'invoke', name: 'job:2', job: 'show', input: 2 },
  ])
})

test('the same job twice', async () => {
  const { calls, result } = run(sequence('twice', [half, half]), 8, ({ name }) => name)
  expect(await result).toBe('job:1')
  expect(calls).toMatchObject([{ input: 8 }, { input: 'job:0' }])
})

describe('the first failure ends it', () => {
  async function failedBy(thrown: unknown): Promise<unknown> {
    const { calls, result } = run(job, 'text', ({ name }) => {
      if (name === 'job:1') throw thrown
      return answers[name]
    })
    const error = await result.catch((reason: unknown) => reason)
    expect(calls.map(({ name }) => name)).toEqual(['job:0', 'job:1'])
    return error
  }

  test('with its index, its name and its cause', async () => {
    const thrown = new RangeError('odd')
    const error = await failedBy(thrown)
    expect(error).toMatchObject({ name: 'RangeError', message: 'jobs[1] ("half"): odd' })
    expect(error).toMatchObject({ cause: thrown })
  })

  test('with its code', async () => {
    const error = await failedBy(new StepwellError('timeout', 'too late'))
    expect(isStepwellError(error, 'timeout')).toBe(true)
    expect(error).toMatchObject({ message: 'jobs[1] ("half"): too late' })
  })

  test('for good where it was', async () => {
    const error = await failedBy(new NonRetryableError('never'))
    expect(isNonRetryableError(error)).toBe(true)
    expect(error).toMatchObject({ message: 'jobs[1] ("half"): never' })
  })

  test('where no error was thrown', async () => {
    expect(await failedBy('no')).toMatchObject({ name: 'Error', message: 'jobs[1] ("half"): no' })
  })
})

test('the input is checked by the schema of the first job, and stored as it was given', async () => {
  const { input } = jobDefinition(job)
  if (input === undefined) throw new Error('no schema')
  expect(await validate(input, ' text ', 'It')).toBe(' text ')
  await expect(validate(input, 'x', 'It')).rejects.toMatchObject({ code: 'invalid_input' })
  expect(jobDefinition(sequence('open', [half])).input).toBeUndefined()
})

test('takes the options that every job has', () => {
  const retry = { maxAttempts: 3, jitter: 0 }
  const options = {
    retry,
    timeout: '1h',
    network: 'online',
    maxRecoveries: 2,
    concurrency: 5,
  } as const
  const definition = jobDefinition(sequence('chain', [length, half], options))
  expect(definition).toMatchObject({
    name: 'chain',
    retry,
    timeoutMs: 3_600_000,
    needsNetwork: true,
    maxRecoveries: 2,
    concurrency: 5,
  })
})

test.each([
  ['no name', [undefined, [half]], /name of sequence.*undefined/],
  ['an empty name', ['', [half]], /name of sequence/],
  ['a long name', ['x'.repeat(257), [half]], /name of sequence.*256/],
  ['no jobs', ['a'], /jobs of sequence "a" must be an array, and are undefined/],
  ['an object of jobs', ['a', { half }], /jobs of sequence "a" must be an array/],
  ['an empty list', ['a', []], /jobs of sequence "a" may be 1 to 1000, and are 0/],
  ['1,001 jobs', ['a', Array(1001).fill(half)], /1 to 1000, and are 1001/],
  ['a job by name', ['a', [half, 'show']], /jobs\[1\] must be one that defineJob made.*"show"/],
  ['a hole', ['a', Object.assign([half], { length: 2 })], /jobs\[1\].*undefined/],
  ['options that are none', ['a', [half], null], /sequence "a" takes an object/],
  ['a misspelt option', ['a', [half], { retries: 3 }], /sequence "a".*"retries"/],
  ['a bad retry', ['a', [half], { retry: 3 }], /retry of job "a"/],
  ['a bad timeout', ['a', [half], { timeout: '5' }], /timeout of job "a"/],
  ['a bad network', ['a', [half], { network: true }], /network of job "a"/],
  ['bad recoveries', ['a', [half], { maxRecoveries: 0 }], /maxRecoveries of job "a"/],
  ['bad concurrency', ['a', [half], { concurrency: -1 }], /concurrency of job "a"/],
])('refuses %s', (_what, args, message) => {
  let thrown: unknown
  try {
    Reflect.apply(sequence, undefined, args)
  } catch (error) {
    thrown = error
  }
  expect(isStepwellError(thrown, 'invalid_input') ? thrown.message : thrown).toMatch(message)
})
