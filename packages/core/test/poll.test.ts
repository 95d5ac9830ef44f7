/** `poll`: which steps it makes, what comes of them, and what is refused. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { isStepwellError } from '../src/errors.js'
import { defineJob, poll } from '../src/index.js'
import { jobDefinition } from '../src/job.js'
import { validate } from '../src/schema.js'
import { fakeStep } from './fake-step.js'

const check = defineJob({
  name: 'check',
  input: z.string().min(2),
  run: (_step, id) =>
    id === '' ? { isDone: false as const } : { isDone: true as const, output: id },
})
const job = poll('wait', check, { maxAttempts: 3, delay: '10s' })

/** @param results of each attempt in turn. */
function run(...results: readonly unknown[]) {
  let next = 0
  const fake = fakeStep(({ call }) => (call === 'sleep' ? undefined : results[next++]))
  return { ...fake, result: Promise.resolve(jobDefinition(job).run(fake.step, 'id')) }
}
const attempt = (n: number) => ({ call: 'invoke', name: `attempt-${n}`, job: 'check', input: 'id' })
const delay = (n: number) => ({ call: 'sleep', name: `delay-${n}`, duration: 10_000 })

test('done at once: no sleep', async () => {
  const { calls, result } = run({ isDone: true, output: 7 })
  expect(await result).toEqual({ isSuccess: true, output: 7 })
  expect(calls).toEqual([attempt(1)])
})

test('done after a while: a sleep between attempts', async () => {
  const { calls, result } = run({ isDone: false }, { isDone: false }, { isDone: true, output: 7 })
  expect(await result).toEqual({ isSuccess: true, output: 7 })
  expect(calls).toEqual([attempt(1), delay(1), attempt(2), delay(2), attempt(3)])
})

test('in vain: a result, no failure, and no sleep at the end', async () => {
  const { calls, result } = run({ isDone: false }, { isDone: false }, { isDone: false })
  expect(await result).toEqual({ isSuccess: false })
  expect(calls).toEqual([attempt(1), delay(1), attempt(2), delay(2), attempt(3)])
})

test('done without an output', async () => {
  expect(await run({ isDone: true }).result).toEqual({ isSuccess: true, output: undefined })
})

test('the failure of an attempt is that of the job', async () => {
  const failure = new Error('no')
  const { step } = fakeStep(() => {
    throw failure
  })
  await expect(Promise.resolve(jobDefinition(job).run(step, 'id'))).rejects.toBe(failure)
})

test.each([[undefined], [null], [7], ['done'], [{}], [{ isDone: 1 }], [{ done: true }]])(
  'a job that returns %j fails it, and says what to return',
  async (value) => {
    await expect(run({ isDone: false }, value).result).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/job "check" is polled, and must return.*in attempt 2/),
    })
  },
)

test('the input is checked by the schema of the job', async () => {
  const { input } = jobDefinition(job)
  if (input === undefined) throw new Error('no schema')
  await expect(validate(input, 'x', 'It')).rejects.toMatchObject({ code: 'invalid_input' })
})

test('takes the options that every job has', () => {
  const given = { maxAttempts: 10_000, delay: 1, retry: { maxAttempts: 2 }, timeout: '1h' } as const
  const more = { network: 'online', maxRecoveries: 2, concurrency: 5 } as const
  expect(jobDefinition(poll('wait', check, { ...given, ...more }))).toMatchObject({
    name: 'wait',
    retry: { maxAttempts: 2 },
    timeoutMs: 3_600_000,
    needsNetwork: true,
    maxRecoveries: 2,
    concurrency: 5,
  })
})

const ok = { maxAttempts: 3, delay: '10s' }
const but = (rest: object) => ['a', check, { ...ok, ...rest }]
const bad: readonly (readonly [string, readonly unknown[], RegExp])[] = [
  ['no name', [undefined, check, ok], /name of poll.*undefined/],
  ['an empty name', ['', check, ok], /name of poll/],
  ['no job', ['a', undefined, ok], /job of poll "a" must be one that defineJob made.*undefined/],
  ['a job by name', ['a', 'check', ok], /job of poll "a".*"check"/],
  ['a function', ['a', () => ({ isDone: true }), ok], /job of poll "a".*a function/],
  ['no options', ['a', check], /maxAttempts of poll "a".*undefined/],
  ['options that are none', ['a', check, null], /poll "a" takes an object/],
  ['a misspelt option', but({ attempts: 3 }), /poll "a".*"attempts"/],
  ...[undefined, 0, -1, 1.5, 10_001, Number.NaN, Infinity, '3', null].map(
    (maxAttempts) =>
      [`maxAttempts ${maxAttempts}`, but({ maxAttempts }), /maxAttempts of poll "a"/] as const,
  ),
  ...[undefined, 0, -1, 1.5, Number.NaN, '', '5', '-5s', '40000d', null].map(
    (each) => [`delay ${each}`, but({ delay: each }), /delay of poll "a"/] as const,
  ),
  ['a bad retry', but({ retry: 3 }), /retry of job "a"/],
  ['a bad timeout', but({ timeout: '5' }), /timeout of job "a"/],
  ['a bad network', but({ network: true }), /network of job "a"/],
  ['bad recoveries', but({ maxRecoveries: 0 }), /maxRecoveries of job "a"/],
  ['bad concurrency', but({ concurrency: -1 }), /concurrency of job "a"/],
]
test.each(bad)('refuses %s', (_what, args, message) => {
  let thrown: unknown
  try {
    Reflect.apply(poll, undefined, args)
  } catch (error) {
    thrown = error
  }
  expect(isStepwellError(thrown, 'invalid_input') ? thrown.message : thrown).toMatch(message)
})
