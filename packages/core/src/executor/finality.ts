/** Whether a failure is tried again. How long after it is the engine's to say. */
import { isStepwellError } from '../errors.js'
import type { ErrorCode, RetryPolicy, StepRetry } from '../generated/protocol.js'
import { isNonRetryableError, retryDelayMs } from '../job-errors.js'

/** Another attempt would end in the same way. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'not_serializable',
  'invalid_input',
  'duplicate_step',
  'history_mismatch',
  'payload_too_large',
  'limit_exceeded',
  'conflict',
])

export function isFinal(thrown: unknown): boolean {
  return isNonRetryableError(thrown) || (isStepwellError(thrown) && FINAL.has(thrown.code))
}

/** An attempt of a step, among those that count for its policy. */
export interface Attempt {
  readonly attempt: number
  /** The first one that counts. */
  readonly firstAttempt: number
}

/** What follows if this attempt fails; `undefined`: nothing, the failure is final. */
export function nextTry(
  policy: RetryPolicy | undefined,
  { attempt, firstAttempt }: Attempt,
): StepRetry | undefined {
  if (policy === undefined) return undefined
  const failures = attempt - firstAttempt + 1
  return failures < policy.maxAttempts ? { policy, failures, afterMs: undefined } : undefined
}

/** What follows from this failure of the attempt. */
export function retryOf(
  policy: RetryPolicy | undefined,
  attempt: Attempt,
  thrown: unknown,
): StepRetry | undefined {
  const next = nextTry(policy, attempt)
  if (next === undefined || isFinal(thrown)) return undefined
  return { ...next, afterMs: retryDelayMs(thrown, Date.now()) }
}
