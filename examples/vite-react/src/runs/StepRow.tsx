import { type Step, useStepwell } from '@stepwell/react'
import { useEffect, useId, useState } from 'react'
import { AttemptList } from '../waiting/AttemptList.tsx'
import type { Attempt } from '../waiting/attempts.ts'
import { duration } from '../words.ts'
import { StepBars } from './StepBars.tsx'
import { Json } from './Value.tsx'

interface Props {
  runId: string
  step: Step
  /** Of a step that took more than one. */
  attempts: readonly Attempt[]
  /** The times between which the row's bars are drawn. */
  from: number
  to: number
  now: number
}

/** A step, and below it what it returned, when asked for. */
export function StepRow({ runId, step, attempts, from, to, now }: Props) {
  const { name, status, attempt, startedAt, completedAt, error } = step
  const [isOpen, setOpen] = useState(false)
  const detailsId = useId()
  const hasDetails = status === 'completed' || error !== undefined
  const took = Math.max((completedAt ?? now) - (attempts[0]?.from ?? startedAt), 0)
  return (
    <>
      <tr>
        <th scope="row">
          <button
            type="button"
            className="step-name"
            disabled={!hasDetails}
            aria-expanded={isOpen}
            aria-controls={detailsId}
            onClick={() => setOpen(!isOpen)}
          >
            {name}
          </button>
        </th>
        <td className={`step-status is-${status}`}>{status}</td>
        <td className="number">{attempt}</td>
        <td className="number">{duration(took)}</td>
        <td className="step-time" aria-hidden="true">
          <StepBars step={step} attempts={attempts} from={from} to={to} now={now} />
        </td>
      </tr>
      {attempts.length > 0 && (
        <tr>
          <td colSpan={5} className="step-details">
            <AttemptList step={step} attempts={attempts} />
          </td>
        </tr>
      )}
      {isOpen && hasDetails && (
        <tr id={detailsId}>
          <td colSpan={5} className="step-details">
            {error === undefined ? (
              <StepOutput runId={runId} name={name} />
            ) : (
              <p className="problem">{error.message}</p>
            )}
          </td>
        </tr>
      )}
    </>
  )
}

/** `useRun` leaves outputs out, for they may be large, and most are never looked at. A stored one never changes. */
function StepOutput({ runId, name }: { runId: string; name: string }) {
  const stepwell = useStepwell()
  const [read, setRead] = useState<{ readonly output: unknown } | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  useEffect(() => {
    let wanted = true
    stepwell.getSteps(runId, { outputs: true }).then(
      (steps) => {
        const step = steps.find((each) => each.name === name)
        if (wanted) setRead({ output: step?.output })
      },
      (error: Error) => wanted && setProblem(error.message),
    )
    return () => {
      wanted = false
    }
  }, [stepwell, runId, name])

  if (problem !== null) return <p className="problem">{problem}</p>
  if (read === null) return <p className="empty">Reading the output…</p>
  return read.output === undefined ? (
    <p className="empty">It returned nothing.</p>
  ) : (
    <Json value={read.output} label={`Output of ${name}`} />
  )
}
