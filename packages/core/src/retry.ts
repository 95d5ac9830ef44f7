/** The option `retry` of jobs and steps. What is waited is computed by the engine, from the policy that is stored. */
import { type Duration, durationMs } from './duration.js'
import type { RetryPolicy } from './generated/protocol.js'
import { checkInteger, checkNumber, checkOptions, invalid, shown } from './options.js'

/**
 * How often and when something that failed is tried again. The delay after the n-th failure is
 * `initialDelay × factor^(n − 1)`, at most `maxDelay`, and then off by up to `jitter`.
 */
export interface RetryOptions {
  /** Attempts in all, the first one included: 3 is one attempt and two more. 1 to 1,000. */
  readonly maxAttempts: number
  /** The delay after the first failure. Default `'1s'`. */
  readonly initialDelay?: Duration
  /** What each further delay is multiplied by: 1 to 100. 1 keeps the delay as it is. Default 2. */
  readonly factor?: number
  /** No delay is longer, jitter aside. Default `'1m'`, or `initialDelay` where that is longer. */
  readonly maxDelay?: Duration
  /**
   * From 0 to 1: how far a delay may be off in both directions, as a part of it, so that what failed together is not
   * tried again together. Default 0.2: from 0.8 to 1.2 times the delay.
   */
  readonly jitter?: number
}

const OPTIONS = ['maxAttempts', 'initialDelay', 'factor', 'maxDelay', 'jitter']
const ATTEMPTS_MAX = 1000
const FACTOR_MAX = 100
const INITIAL_DELAY_MS = 1000
const FACTOR = 2
const MAX_DELAY_MS = 60_000
const JITTER = 0.2

/**
 * The policy that the options mean, with the defaults for what is left out.
 *
 * @param name names the option in messages: `The option retry of job "import-csv"`.
 */
export function checkRetry(value: unknown, name: string): RetryPolicy {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${name} must be an object { maxAttempts, … }, and is ${shown(value)}.`)
  }
  const options = checkOptions(value, name, OPTIONS)
  const { maxAttempts, factor = FACTOR, jitter = JITTER } = options
  if (maxAttempts === undefined) {
    throw invalid(`${name} needs maxAttempts: the attempts in all, the first one included.`)
  }
  const initialDelayMs = delayMs(options['initialDelay'], `${name}: initialDelay`)
  const maxDelayMs = delayMs(options['maxDelay'], `${name}: maxDelay`)
  const firstMs = initialDelayMs ?? Math.min(INITIAL_DELAY_MS, maxDelayMs ?? INITIAL_DELAY_MS)
  const mostMs = maxDelayMs ?? Math.max(MAX_DELAY_MS, firstMs)
  if (firstMs > mostMs) {
    throw invalid(
      `${name}: initialDelay is ${firstMs} ms, and maxDelay is ${mostMs} ms. Make maxDelay at least as long.`,
    )
  }
  return {
    maxAttempts: checkInteger(maxAttempts, `${name}: maxAttempts`, 1, ATTEMPTS_MAX),
    initialDelayMs: firstMs,
    factor: checkNumber(factor, `${name}: factor`, 1, FACTOR_MAX),
    maxDelayMs: mostMs,
    jitter: checkNumber(jitter, `${name}: jitter`, 0, 1),
  }
}

function delayMs(value: unknown, name: string): number | undefined {
  return value === undefined ? undefined : durationMs(value, name)
}
