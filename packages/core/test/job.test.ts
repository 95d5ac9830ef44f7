import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { durationMs } from '../src/duration.js'
import { isStepwellError, StepwellError } from '../src/errors.js'
import { defineJob, isStepwellError as publicGuard } from '../src/index.js'
import { collectJobs, isJob, jobDefinition } from '../src/job.js'
import { checkInteger, checkOneOf, checkOptions, checkText } from '../src/options.js'
import { validate } from '../src/schema.js'

function refusal(call: () => unknown): StepwellError {
  try {
    call()
  } catch (error) {
    if (isStepwellError(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

async function refusalOf(promise: Promise<unknown>): Promise<StepwellError> {
  const error = await promise.then(
    () => new Error('nothing was rejected'),
    (reason: unknown) => reason,
  )
  if (isStepwellError(error)) return error
  throw error
}

const run = () => 1

describe('defineJob', () => {
  test('keeps what it was given', () => {
    const input = z.string()
    const job = defineJob({
      name: 'a',
      input,
      maxRecoveries: 3,
      concurrency: 2,
      retry: { maxAttempts: 3 },
      timeout: '5m',
      network: 'online',
      run,
    })
    expect(job.name).toBe('a')
    expect(isJob(job)).toBe(true)
    expect(jobDefinition(job)).toMatchObject({
      name: 'a',
      input,
      maxRecoveries: 3,
      concurrency: 2,
      retry: { maxAttempts: 3, initialDelayMs: 1000, factor: 2, maxDelayMs: 60_000, jitter: 0.2 },
      timeoutMs: 300_000,
      needsNetwork: true,
      run,
    })
    expect(Object.isFrozen(job)).toBe(true)
  })

  test('no other attempt, no limit and no network unless asked for', () => {
    expect(jobDefinition(defineJob({ name: 'a', run }))).toMatchObject({
      retry: undefined,
      timeoutMs: undefined,
      needsNetwork: false,
    })
  })

  // What a caller without types can pass. `Reflect.apply` keeps the compiler out of it.
  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ['nothing', undefined, /at least name and run/],
    ['null', null, /takes an object/],
    ['no name', { run }, /name of defineJob.*undefined/],
    ['an empty name', { name: '', run }, /name of defineJob must be a text that is not empty/],
    ['a name that is no text', { name: 7, run }, /name of defineJob.*7/],
    ['a name over the limit', { name: 'x'.repeat(257), run }, /256 characters, and has 257/],
    ['a name over the limit in bytes', { name: 'ü'.repeat(129), run }, /256 bytes, and has 258/],
    ['no function', { name: 'a' }, /run of job "a" must be a function/],
    ['a schema that is none', { name: 'a', input: {}, run }, /input of job "a".*Standard Schema/],
    ['an output that is none', { name: 'a', output: 1, run }, /output of job "a"/],
    ['labels that are none', { name: 'a', labels: 'x', run }, /labels of job "a"/],
    ['no recoveries', { name: 'a', maxRecoveries: 0, run }, /maxRecoveries of job "a".*1 to 1000/],
    ['negative recoveries', { name: 'a', maxRecoveries: -1, run }, /maxRecoveries/],
    ['NaN recoveries', { name: 'a', maxRecoveries: Number.NaN, run }, /maxRecoveries.*NaN/],
    ['recoveries as text', { name: 'a', maxRecoveries: '10', run }, /maxRecoveries.*"10"/],
    ['too many recoveries', { name: 'a', maxRecoveries: 1001, run }, /maxRecoveries/],
    ['no concurrency', { name: 'a', concurrency: 0, run }, /concurrency of job "a".*1 to 1000/],
    ['negative concurrency', { name: 'a', concurrency: -2, run }, /concurrency of job "a".*-2/],
    ['half a concurrency', { name: 'a', concurrency: 1.5, run }, /concurrency of job "a".*1.5/],
    ['NaN concurrency', { name: 'a', concurrency: Number.NaN, run }, /concurrency.*NaN/],
    ['concurrency as text', { name: 'a', concurrency: '2', run }, /concurrency of job "a".*"2"/],
    ['null concurrency', { name: 'a', concurrency: null, run }, /concurrency of job "a".*null/],
    ['too much concurrency', { name: 'a', concurrency: 1001, run }, /concurrency of job "a"/],
    ['retry as a number', { name: 'a', retry: 3, run }, /retry of job "a" must be an object.*3/],
    ['retry as true', { name: 'a', retry: true, run }, /retry of job "a" must be an object.*true/],
    ['a bad retry', { name: 'a', retry: { maxAttempts: 0 }, run }, /retry of job "a": maxAttempts/],
    ...[0, -1, 1.5, Number.NaN, null, '', '5', '-5m', 'long', '40000d', {}].map(
      (timeout) =>
        [`timeout ${timeout}`, { name: 'a', timeout, run }, /timeout of job "a" must be/] as const,
    ),
    ...['', 'offline', true, null, 1].map(
      (network) =>
        [
          `network ${network}`,
          { name: 'a', network, run },
          /network of job "a".*'online'/,
        ] as const,
    ),
    ['an unknown option', { name: 'a', run, retries: 3 }, /does not know the option "retries"/],
  ]
  test.each(bad)('refuses %s', (_what, config, message) => {
    const error = refusal(() => Reflect.apply(defineJob, undefined, [config]))
    expect(error.code).toBe('invalid_input')
    expect(error.message).toMatch(message)
  })
})

test('a schema that is a function, as those of arktype', () => {
  const standard = {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) => ({ value }),
  } as const
  const input = Object.assign(() => undefined, { '~standard': standard })
  expect(jobDefinition(defineJob({ name: 'a', input, run })).input).toBe(input)
})

describe('collectJobs', () => {
  const one = defineJob({ name: 'one', run })
  const two = defineJob({ name: 'two', run })

  test('takes jobs by their names and ignores the rest', () => {
    const jobs = collectJobs({ x: one, y: two, again: one, VERSION: 3, helper: run, nothing: null })
    expect([...jobs]).toEqual([
      ['one', one],
      ['two', two],
    ])
  })

  test('refuses two jobs of one name', () => {
    const other = defineJob({ name: 'one', run })
    const error = refusal(() => collectJobs({ one, other }))
    expect(error.code).toBe('invalid_input')
    expect(error.message).toMatch(/Two jobs have the name "one".*exported as other/)
  })
})

describe('validate', () => {
  test('returns what the schema made of the value', async () => {
    const schema = z.object({ url: z.string(), limit: z.number().default(5) })
    expect(await validate(schema, { url: 'a', more: 1 }, 'It')).toEqual({ url: 'a', limit: 5 })
    expect(await validate(v.pipe(v.string(), v.transform(Number)), '7', 'It')).toBe(7)
  })

  test('awaits a schema that is async', async () => {
    const schema = z.string().refine(async (text) => text !== 'taken', 'is taken')
    expect(await validate(schema, 'free', 'It')).toBe('free')
    expect((await refusalOf(validate(schema, 'taken', 'It'))).message).toBe(
      'It is invalid: is taken',
    )
  })

  test('names the path of each problem', async () => {
    const schema = z.object({ rows: z.array(z.object({ id: z.number() })), name: z.string() })
    const error = await refusalOf(validate(schema, { rows: [{ id: 1 }, { id: 'x' }] }, 'The input'))
    expect(error.code).toBe('invalid_input')
    expect(error.message).toMatch(/^The input is invalid: rows\[1\]\.id: .*; name: /)
    expect(error.issues.map(({ path }) => path)).toEqual([['rows', 1, 'id'], ['name']])
  })

  test('tells of a schema that throws', async () => {
    const schema = z.string().transform(() => {
      throw new TypeError('boom')
    })
    const error = await refusalOf(validate(schema, 'x', 'The input'))
    expect(error.code).toBe('invalid_input')
    expect(error.message).toMatch(/The input could not be validated.*TypeError: boom/)
    expect(error.cause).toBeInstanceOf(TypeError)
  })
})

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['10s', 10_000],
    ['5m', 300_000],
    ['24h', 86_400_000],
    ['30d', 2_592_000_000],
    ['1.5s', 1500],
    [1, 1],
  ])('%s', (value, ms) => {
    expect(durationMs(value, 'It')).toBe(ms)
  })

  const bad = ['', '10', 's', '10 s', '-1s', '0s', '1w', '1e3ms', 0, -1, 1.5, Number.NaN, null, {}]
  test.each([...bad, Number.POSITIVE_INFINITY, '99999999d'])('refuses %s', (value) => {
    const error = refusal(() => durationMs(value, 'The option timeout of x'))
    expect(error.code).toBe('invalid_input')
    expect(error.message).toMatch(/^The option timeout of x must be a duration/)
  })
})

describe('options', () => {
  test('a misspelt option is not ignored', () => {
    expect(refusal(() => checkOptions({ limt: 1 }, 'getRuns', ['limit'])).message).toMatch(
      /getRuns does not know the option "limt": its options are limit/,
    )
    expect(refusal(() => checkOptions({ a: 1 }, 'trigger', [])).message).toMatch(/no options/)
    expect(refusal(() => checkOptions([], 'getRuns', [])).message).toMatch(/got an array/)
    expect(checkOptions(undefined, 'getRuns', [])).toEqual({})
  })

  test.each([undefined, null, '5', Number.NaN, 0, -1, 1.5, 11, Number.POSITIVE_INFINITY, 5n])(
    'a number from 1 to 10 is not %s',
    (value) => {
      expect(refusal(() => checkInteger(value, 'limit', 1, 10)).message).toMatch(/^limit must be/)
    },
  )

  test('texts and words', () => {
    expect(refusal(() => checkText('', 'id', 5)).code).toBe('invalid_input')
    expect(refusal(() => checkText('123456', 'id', 5)).message).toMatch(/5 characters, and has 6/)
    expect(refusal(() => checkOneOf('lax', 'durability', ['strict', 'relaxed'])).message).toBe(
      `durability must be one of 'strict', 'relaxed', and is "lax".`,
    )
  })
})

describe('StepwellError', () => {
  test('is known by its brand, also from another copy of the module', () => {
    const error = new StepwellError('not_found', 'x')
    expect(error).toBeInstanceOf(Error)
    expect(publicGuard(error)).toBe(true)
    expect(publicGuard(error, 'not_found')).toBe(true)
    expect(publicGuard(error, 'conflict')).toBe(false)
    expect(publicGuard({ '~stepwell': 'error', code: 'conflict' }, 'conflict')).toBe(true)
    expect(publicGuard(new Error('x'))).toBe(false)
    expect(publicGuard(null)).toBe(false)
  })
})
