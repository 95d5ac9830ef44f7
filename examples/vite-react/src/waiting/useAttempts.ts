import { type Step, useRunLogs } from '@stepwell/react'
import { useMemo } from 'react'
import { type Attempt, attemptsOf } from './attempts.ts'

const LINES = 1000

/** The attempts of those steps that took more than one, by step. The log is read only where there are such. */
export function useAttempts(
  runId: string | null,
  steps: readonly Step[],
): ReadonlyMap<string, readonly Attempt[]> {
  const retried = useMemo(() => steps.filter(isRetried), [steps])
  const { logs } = useRunLogs(retried.length > 0 ? runId : null, { limit: LINES })
  return useMemo(
    () => new Map(retried.map((step) => [step.name, attemptsOf(step, logs)])),
    [retried, logs],
  )
}

const isRetried = ({ attempt, waitingFor }: Step): boolean =>
  attempt > 1 || waitingFor?.kind === 'retry'
