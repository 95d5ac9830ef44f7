import type { RunView, Step } from '@stepwell/react'
import { memo } from 'react'
import type { importMovies } from '../jobs.ts'
import { useNewestInView } from '../useNewestInView.ts'
import { duration } from '../words.ts'

/** Every step that has a result or is at work, in that order. */
export function StepList({ view }: { view: RunView<typeof importMovies> }) {
  const { steps } = view
  const box = useNewestInView(steps.at(-1)?.name)
  const stored = steps.filter((step) => isStored(step) && isEarlier(step)).length
  return (
    <section className="card" aria-labelledby="steps-title">
      <div className="card-head">
        <h2 id="steps-title">Steps</h2>
        <p className="aside">
          {steps.length === 0 ? '' : `${steps.length} in all`}{' '}
          {stored > 0 && (
            <span className="earlier-key">{stored} done before this page was loaded</span>
          )}
        </p>
      </div>
      {steps.length === 0 ? (
        <p className="empty">
          Each step appears here as it runs: first “count”, then one for each batch.
        </p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must do so by keyboard, too
        <ol className="steps" aria-labelledby="steps-title" tabIndex={0} ref={box}>
          {steps.map((step) => (
            <StepTile key={step.name} step={step} />
          ))}
        </ol>
      )}
    </section>
  )
}

const StepTile = memo(function StepTile({ step }: { step: Step }) {
  const earlier = isStored(step) && isEarlier(step)
  const attempts = step.attempt === 1 ? '' : `, attempt ${step.attempt}`
  return (
    <li
      className={`step is-${step.status} ${earlier ? 'is-earlier' : ''}`}
      title={step.error?.message ?? `${step.name}: ${step.status}${attempts}`}
    >
      <span className="step-name">{step.name}</span>
      {step.attempt > 1 && <span className="attempt">attempt {step.attempt}</span>}
      <span className="step-time">
        {step.completedAt === null ? '…' : duration(step.completedAt - step.startedAt)}
      </span>
      <span className="visually-hidden">, {step.status}</span>
    </li>
  )
})

const isStored = (step: Step): boolean => step.completedAt !== null
const isEarlier = (step: Step): boolean => (step.completedAt ?? 0) < performance.timeOrigin
