/** The attempts of each step. Pure. */
import type { LogLine, Step } from '@stepwell/react'

export interface Attempt {
  readonly attempt: number
  readonly status: 'failed' | 'completed' | 'running'
  readonly from: number
  /** `null`: it is at work. */
  readonly to: number | null
}

/**
 * A step says of its latest attempt only: what is known of the earlier ones is what they wrote to the log, which is kept
 * with them. Those that wrote nothing are not told of.
 */
export function attemptsOf(step: Step, logs: readonly LogLine[]): readonly Attempt[] {
  const attempts = new Map<number, Attempt>()
  for (const { stepName, attempt, timestamp } of logs) {
    if (stepName !== step.name || attempt > step.attempt) continue
    const from = attempts.get(attempt)?.from ?? timestamp
    attempts.set(attempt, { attempt, status: 'failed', from, to: timestamp })
  }
  if (step.attempt > 0) attempts.set(step.attempt, latestOf(step, attempts.get(step.attempt)))
  return [...attempts.values()].sort((a, b) => a.attempt - b.attempt)
}

function latestOf(step: Step, logged: Attempt | undefined): Attempt {
  const { attempt, startedAt: from, completedAt, status } = step
  if (status === 'running') return { attempt, status, from, to: null }
  if (status === 'completed') return { attempt, status, from, to: completedAt }
  return { attempt, status: 'failed', from, to: completedAt ?? logged?.to ?? from }
}
