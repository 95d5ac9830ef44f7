import type { Step } from '@stepwell/react'
import { useState } from 'react'
import { useNow } from '../useNow.ts'
import { useAttempts } from '../waiting/useAttempts.ts'
import { count } from '../words.ts'
import { StepRow } from './StepRow.tsx'

/** More are shown when they are asked for. */
const SHOWN = 12

const NO_ATTEMPTS: readonly never[] = []

/** The wait for another attempt lies ahead, and has its place on the time line. */
function endOf({ completedAt, waitingFor }: Step, now: number): number {
  if (waitingFor?.kind === 'retry') return Math.max(waitingFor.until, now)
  return completedAt ?? now
}

/** The steps in the order of their outcomes, each where it was on the run's time line. */
export function StepTable({ runId, steps }: { runId: string; steps: readonly Step[] }) {
  const [isWhole, setWhole] = useState(false)
  const now = useNow(steps.some(({ completedAt }) => completedAt === null))
  const shown = isWhole ? steps : steps.slice(-SHOWN)
  const earlier = steps.length - shown.length
  const from = Math.min(...shown.map(({ startedAt }) => startedAt))
  const to = Math.max(...shown.map((step) => endOf(step, now)), from + 1)
  const attempts = useAttempts(runId, shown)
  return (
    <section className="card" aria-labelledby="steps-title">
      <div className="card-head">
        <h2 id="steps-title">
          Steps <span className="aside">{steps.length > 0 && count(steps.length)}</span>
        </h2>
        {earlier > 0 && (
          <button type="button" className="quiet" onClick={() => setWhole(true)}>
            Show {count(earlier)} earlier ones
          </button>
        )}
      </div>
      {steps.length === 0 ? (
        <p className="empty">None has begun yet.</p>
      ) : (
        <div className="steps">
          <table>
            <thead>
              <tr>
                <th scope="col">Step</th>
                <th scope="col">Status</th>
                <th scope="col" className="number">
                  Attempt
                </th>
                <th scope="col" className="number">
                  Took
                </th>
                <th scope="col" className="step-time">
                  <span className="visually-hidden">Time line</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((step) => (
                <StepRow
                  key={step.name}
                  runId={runId}
                  step={step}
                  attempts={attempts.get(step.name) ?? NO_ATTEMPTS}
                  from={from}
                  to={to}
                  now={now}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}
