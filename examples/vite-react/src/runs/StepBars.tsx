import type { Step } from '@stepwell/react'
import type { Attempt } from '../waiting/attempts.ts'

interface Props {
  step: Step
  attempts: readonly Attempt[]
  /** The times between which they are drawn. */
  from: number
  to: number
  now: number
}

interface Bar {
  readonly kind: string
  readonly from: number
  readonly to: number
}

/** Where a step was on the run's time line: a bar for each attempt, and one for the wait that lies between or ahead. */
export function StepBars({ step, attempts, from, to, now }: Props) {
  const percent = (time: number) => `${(100 * (time - from)) / (to - from)}%`
  return barsOf(step, attempts, now).map((bar) => (
    <span
      key={`${bar.kind} ${bar.from}`}
      className={`step-bar is-${bar.kind}`}
      style={{ left: percent(bar.from), right: `calc(100% - ${percent(bar.to)})` }}
    />
  ))
}

function barsOf(step: Step, attempts: readonly Attempt[], now: number): readonly Bar[] {
  const { status, startedAt, completedAt, waitingFor } = step
  if (attempts.length === 0) {
    return [{ kind: status, from: startedAt, to: Math.max(completedAt ?? now, startedAt) }]
  }
  return attempts.flatMap(({ status, from, to }, i) => {
    const end = to ?? now
    const next = attempts[i + 1]?.from ?? (waitingFor?.kind === 'retry' ? waitingFor.until : end)
    const wait = next > end ? [{ kind: 'gap', from: end, to: next }] : []
    return [{ kind: status, from, to: end }, ...wait]
  })
}
