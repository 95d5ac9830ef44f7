import type { RunView } from '@stepwell/react'
import { StatusBadge } from '../components/StatusBadge.tsx'
import { WaitText } from '../waiting/WaitText.tsx'
import { clock } from '../words.ts'

/** Where the run stands: its status, how far it has come, and what stopped it. */
export function RunState({ view }: { view: RunView }) {
  const { run, status, progress } = view
  return (
    <>
      <div className="card-head">
        <h2 id="state-title">{run?.jobName}</h2>
        <span role="status">
          <StatusBadge status={status} testId="run-status" />
        </span>
      </div>
      {progress !== null && (
        <div className="progress">
          <progress
            aria-label="Progress"
            value={progress.current}
            max={progress.total ?? progress.current}
          />
          <span className="progress-text">
            {progress.current}
            {progress.total !== undefined && ` of ${progress.total}`}
          </span>
        </div>
      )}
      {progress?.message !== undefined && <p className="message">{progress.message}</p>}
      {view.status === 'pending' && view.run !== null && <Wait startAt={view.run.startAt} />}
      {view.status === 'waiting' && (
        <p className="message">
          <WaitText waitingFor={view.waitingFor} />
        </p>
      )}
      {view.status === 'failed' && <Failure error={view.error} />}
    </>
  )
}

function Wait({ startAt }: { startAt: number }) {
  return (
    <p className="message">
      {startAt > Date.now()
        ? `To start at ${clock(startAt)}.`
        : 'It starts when there is room for it.'}
    </p>
  )
}

type FailedView = Extract<RunView, { status: 'failed' }>

function Failure({ error }: { error: FailedView['error'] }) {
  return (
    <div className="problem">
      <p>
        <b>{error.name}</b>: {error.message}
      </p>
      <p>
        {error.stepName === undefined ? 'In the job itself' : `In step ${error.stepName}`}, attempt{' '}
        {error.attempt}
      </p>
      {error.stack !== undefined && (
        <details>
          <summary>Stack</summary>
          <pre>{error.stack}</pre>
        </details>
      )}
    </div>
  )
}
