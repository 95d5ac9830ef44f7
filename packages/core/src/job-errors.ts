/** Errors by which a job's code says how its failure is to be treated. */
import { type Duration, durationMs } from './duration.js'
import { checkOptions, checkTime, invalid } from './options.js'

export interface NonRetryableErrorOptions {
  readonly cause?: unknown
}

/** Thrown by a step's or a job's function: the failure is final, whatever the retry policy says. */
export class NonRetryableError extends Error {
  override readonly name = 'NonRetryableError'
  /** What `isNonRetryableError` looks for: two copies of this module must know each other's errors. */
  readonly '~stepwell' = 'non-retryable'

  constructor(message: string, options: NonRetryableErrorOptions = {}) {
    super(message, causeOf(options, 'NonRetryableError', ['cause']))
  }
}

export interface RetryAfterErrorOptions {
  /** How long to wait, or until when; a moment in the past means at once. */
  readonly after: Duration | Date
  readonly cause?: unknown
}

/**
 * Thrown by a step's or a job's function: where the retry policy allows another attempt, it is made after this delay and
 * not after the policy's. For services that say when they can be asked again.
 */
export class RetryAfterError extends Error {
  override readonly name = 'RetryAfterError'
  /** What `retryDelayMs` looks for. */
  readonly '~stepwell' = 'retry-after'
  /** A moment, or how long from the failure on. */
  readonly after: Date | number

  constructor(message: string, options: RetryAfterErrorOptions) {
    super(message, causeOf(options, 'RetryAfterError', ['after', 'cause']))
    const name = 'The option after of RetryAfterError'
    const after: unknown = options?.after
    if (after === undefined)
      throw invalid(`${name} is missing: a duration such as '30s', or a Date.`)
    this.after = after instanceof Date ? new Date(checkTime(after, name)) : durationMs(after, name)
  }
}

/** Whether a value is a `NonRetryableError`, also one of another copy of this package. */
export function isNonRetryableError(value: unknown): boolean {
  return brandOf(value) === 'non-retryable'
}

/** The delay that a thrown value asks for; `undefined` where it asks for none. @param now the time of the failure. */
export function retryDelayMs(value: unknown, now: number): number | undefined {
  if (brandOf(value) !== 'retry-after') return undefined
  const after = read(value, 'after')
  const ms = after instanceof Date ? after.getTime() - now : after
  // Of another copy's error nothing is known for certain.
  if (typeof ms !== 'number' || !Number.isFinite(ms)) return undefined
  return Math.max(0, Math.ceil(ms))
}

function causeOf(
  options: unknown,
  what: string,
  known: readonly string[],
): ErrorOptions | undefined {
  const given = checkOptions(options, what, known)
  return 'cause' in given ? { cause: given['cause'] } : undefined
}

function brandOf(value: unknown): unknown {
  return read(value, '~stepwell')
}

/** Whatever was thrown may be a proxy, or have a getter that throws. */
function read(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  try {
    return Reflect.get(value, key)
  } catch {
    return undefined
  }
}
