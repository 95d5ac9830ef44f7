import type { Step } from '@stepwell/react'
import { duration } from '../words.ts'
import type { Attempt } from './attempts.ts'
import { Countdown } from './Countdown.tsx'

const MARKS: Record<Attempt['status'], string> = { failed: '×', completed: '✓', running: '▸' }

/** What became of each attempt of a step, and when the next one is. */
export function AttemptList({ step, attempts }: { step: Step; attempts: readonly Attempt[] }) {
  const { waitingFor } = step
  return (
    <ol className="attempts" aria-label={`Attempts of ${step.name}`}>
      {attempts.map(({ attempt, status, from, to }) => (
        <li key={attempt} className={`is-${status}`}>
          <span aria-hidden="true">{MARKS[status]} </span>
          attempt {attempt}
          <span className="visually-hidden"> {status}</span>
          {to !== null && <span className="attempt-took"> {duration(Math.max(to - from, 0))}</span>}
        </li>
      ))}
      {waitingFor?.kind === 'retry' && (
        <li className="is-next">
          attempt {waitingFor.attempt} in <Countdown until={waitingFor.until} />
        </li>
      )}
    </ol>
  )
}
