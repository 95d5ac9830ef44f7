/** The option `retry`: its defaults, and what is refused. */
import { describe, expect, test } from 'vitest'
import { isStepwellError } from '../src/errors.js'
import { checkRetry } from '../src/retry.js'

const DEFAULTS = { initialDelayMs: 1000, factor: 2, maxDelayMs: 60_000, jitter: 0.2 }

test.each([
  ['the defaults', { maxAttempts: 1 }, {}],
  ['the most attempts', { maxAttempts: 1000 }, {}],
  ['options that are undefined', { maxAttempts: 2, factor: undefined, jitter: undefined }, {}],
  [
    'durations',
    { maxAttempts: 2, initialDelay: 5, maxDelay: '1.5s' },
    { initialDelayMs: 5, maxDelayMs: 1500 },
  ],
  ['a factor of 1', { maxAttempts: 2, factor: 1 }, { factor: 1 }],
  ['a factor of 100', { maxAttempts: 2, factor: 100 }, { factor: 100 }],
  ['half a factor', { maxAttempts: 2, factor: 1.5 }, { factor: 1.5 }],
  ['no jitter', { maxAttempts: 2, jitter: 0 }, { jitter: 0 }],
  ['all jitter', { maxAttempts: 2, jitter: 1 }, { jitter: 1 }],
  [
    'a first delay beyond the default of the longest',
    { maxAttempts: 2, initialDelay: '5m' },
    { initialDelayMs: 300_000, maxDelayMs: 300_000 },
  ],
  [
    'a longest delay below the default of the first',
    { maxAttempts: 2, maxDelay: '100ms' },
    { initialDelayMs: 100, maxDelayMs: 100 },
  ],
])('takes %s', (_what, given, policy) => {
  const { maxAttempts } = given
  expect(checkRetry(given, 'It')).toEqual({ maxAttempts, ...DEFAULTS, ...policy })
})

describe('refuses', () => {
  const other = (name: string, values: readonly unknown[]) =>
    values.map(
      (value) =>
        [
          `${name} ${String(value)}`,
          { maxAttempts: 2, [name]: value },
          new RegExp(`^It: ${name} must be`),
        ] as const,
    )
  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ['nothing', undefined, /^It must be an object.*undefined/],
    ['null', null, /^It must be an object.*null/],
    ['a number', 3, /^It must be an object.*3/],
    ['false', false, /^It must be an object.*false/],
    ['a list', [3], /^It must be an object.*an array/],
    ['no attempts', {}, /^It needs maxAttempts/],
    ['attempts that are undefined', { maxAttempts: undefined }, /^It needs maxAttempts/],
    ['a misspelt option', { maxAttempts: 2, delay: '1s' }, /^It does not know the option "delay"/],
    ...other('maxAttempts', [0, -1, 1.5, 1001, Number.NaN, Infinity, '3', '', null, {}]),
    ...other('initialDelay', [
      0,
      -1,
      1.5,
      Number.NaN,
      Infinity,
      '',
      '5',
      '-1s',
      '40000d',
      null,
      {},
    ]),
    ...other('maxDelay', [0, -1, 1.5, Number.NaN, Infinity, '', '5', '-1s', '40000d', null, {}]),
    ...other('factor', [0, 0.99, -1, 100.1, Number.NaN, Infinity, '2', '', null, {}]),
    ...other('jitter', [-0.1, 1.1, Number.NaN, Infinity, '0', '', null, true, {}]),
    [
      'a first delay beyond the longest',
      { maxAttempts: 2, initialDelay: '2m', maxDelay: '1m' },
      /initialDelay is 120000 ms, and maxDelay is 60000 ms/,
    ],
  ]
  test.each(bad)('%s', (_what, given, message) => {
    let thrown: unknown
    try {
      checkRetry(given, 'It')
    } catch (error) {
      thrown = error
    }
    expect(isStepwellError(thrown, 'invalid_input') ? thrown.message : thrown).toMatch(message)
  })
})
