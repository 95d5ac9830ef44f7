import type { JobView, RunView } from '@stepwell/react'
import { StatusBadge } from '../components/StatusBadge.tsx'
import type { bulletin } from '../jobs.ts'
import { runHref } from '../route.ts'
import { count, shortId } from '../words.ts'
import { WaitText } from './WaitText.tsx'

interface Props {
  job: JobView<typeof bulletin>
  view: RunView<typeof bulletin>
  runId: string | null
}

/** Where the run stands, in a sentence, and what can be done to it. */
export function BulletinControls({ job, view, runId }: Props) {
  return (
    <section className="card" aria-labelledby="run-title">
      <div className="card-head">
        <h2 id="run-title">
          Run{' '}
          {runId !== null && (
            <a href={runHref(runId)}>
              <code className="run-id">{shortId(runId)}</code>
            </a>
          )}
        </h2>
        <span role="status">
          <StatusBadge status={view.status} testId="run-status" />
        </span>
      </div>
      <p className={view.status === 'failed' ? 'problem' : 'message'}>
        <Message view={view} />
      </p>
      <div className="actions">
        <button
          type="button"
          className="primary"
          disabled={job.isLoading || job.isActive || job.status === 'unavailable'}
          onClick={() => job.trigger()}
        >
          Start
        </button>
        <button
          type="button"
          disabled={view.status !== 'failed' && view.status !== 'cancelled'}
          onClick={view.retry}
        >
          Retry
        </button>
        <button type="button" disabled={!view.isActive || view.run === null} onClick={view.cancel}>
          Cancel
        </button>
        <button type="button" className="danger" onClick={() => location.reload()}>
          Reload
        </button>
      </div>
      {job.triggerError !== null && (
        <p className="problem" role="alert">
          {job.triggerError.message}
        </p>
      )}
    </section>
  )
}

function Message({ view }: { view: Props['view'] }) {
  switch (view.status) {
    case 'loading':
      return 'Looking for a run that was left waiting…'
    case 'idle':
      return 'Nothing is at work. Press “Start”, and reload whenever you like.'
    case 'missing':
      return 'This run is not in the database any more.'
    case 'unavailable':
      return 'The engine cannot be reached; the note above says why.'
    case 'pending':
      return 'It starts when there is room for it.'
    case 'running':
      return 'At work.'
    case 'waiting':
      return <WaitText waitingFor={view.waitingFor} />
    case 'failed':
      return `${view.error.stepName ?? 'The job'}: ${view.error.message}`
    case 'cancelled':
      return 'Cancelled, and with it the child runs that had not ended. Retry goes on from here.'
    case 'completed': {
      const { flights, late, isPublished } = view.output
      return `${count(late)} of ${count(flights)} flights were late. ${isPublished ? 'Published.' : 'Not published.'}`
    }
  }
}
