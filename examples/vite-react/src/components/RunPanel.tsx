import { crashEngine } from '@stepwell/core/testing'
import { type RunView, useStepwell, useStepwellStatus } from '@stepwell/react'
import type { importMovies } from '../jobs.ts'
import { shortId } from '../words.ts'
import { StatusBadge } from './StatusBadge.tsx'

type View = RunView<typeof importMovies>

const MESSAGE_STYLES: { [S in View['status']]?: string } = {
  failed: 'problem',
  unavailable: 'notice',
}

interface Props {
  view: View
  runId: string | null
}

/** Where the run stands, and what can be done to it: also what should never be done to an import. */
export function RunPanel({ view, runId }: Props) {
  const stepwell = useStepwell()
  const { state } = useStepwellStatus()
  const canRetry = view.status === 'failed' || view.status === 'cancelled'
  return (
    <section className="card" aria-labelledby="run-title">
      <div className="card-head">
        <h2 id="run-title">
          Run {runId !== null && <code className="run-id">{shortId(runId)}</code>}
        </h2>
        <span role="status">
          <StatusBadge status={view.status} />
        </span>
      </div>
      <ProgressBar view={view} />
      <p className={MESSAGE_STYLES[view.status] ?? 'message'}>{message(view)}</p>
      <div className="actions">
        <button type="button" disabled={!view.isActive || view.run === null} onClick={view.cancel}>
          Cancel
        </button>
        <button type="button" disabled={!canRetry} onClick={view.retry}>
          Retry
        </button>
        <span className="spacer" />
        <button
          type="button"
          className="danger"
          disabled={state !== 'ready'}
          onClick={() => crashEngine(stepwell, 'panic')}
        >
          Crash the engine
        </button>
        <button type="button" className="danger" onClick={() => location.reload()}>
          Reload the page
        </button>
      </div>
    </section>
  )
}

function ProgressBar({ view }: { view: View }) {
  const current = view.progress?.current ?? 0
  const total = view.progress?.total ?? 1
  return (
    <div className="progress">
      <progress aria-label="Batches done" value={current} max={total} />
      <span className="progress-text" data-testid="progress">
        {view.progress === null ? '–' : `${current} of ${total}`}
      </span>
    </div>
  )
}

function message(view: View): string {
  switch (view.status) {
    case 'loading':
      return 'Looking for a run that was left unfinished…'
    case 'idle':
      return 'Nothing is being imported. Press “Start import”.'
    case 'missing':
      return 'This run is not in the database any more.'
    case 'unavailable':
      return view.error.message
    case 'pending':
      return 'Waiting for the engine to start it.'
    case 'running':
    case 'waiting':
      return `${view.progress?.message ?? 'Downloading the data set'}. ${resumed(view.run.startedAt)}`
    case 'completed':
      return `All ${view.output.films} films are in.`
    case 'failed':
      return `${view.error.stepName ?? 'The job'}: ${view.error.message}`
    case 'cancelled':
      return 'Cancelled. Finished batches are kept: Retry goes on after them.'
  }
}

function resumed(startedAt: number | null): string {
  if (startedAt === null || startedAt >= performance.timeOrigin) return ''
  return 'Resumed: this run was begun before the page was loaded.'
}
