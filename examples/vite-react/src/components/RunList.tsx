import type { RunsView } from '@stepwell/react'
import type { flights } from '../jobs.ts'
import { moment, plural, shortId } from '../words.ts'
import { StatusBadge } from './StatusBadge.tsx'

interface Props {
  recent: RunsView<typeof flights>
  shownId: string | null
  onChoose: (runId: string) => void
}

/** The newest runs of the story, to look at an earlier one. All runs of all jobs have a view of their own. */
export function RunList({ recent, shownId, onChoose }: Props) {
  const { status, error, runs } = recent
  return (
    <section className="card" aria-labelledby="recent-title">
      <div className="card-head">
        <h2 id="recent-title">Runs</h2>
        <a href="#/runs">All runs, of every job</a>
      </div>
      {runs.length === 0 && <p className="empty">{emptyText(status, error?.code)}</p>}
      <ul className="recent">
        {runs.map((run) => (
          <li key={run.id}>
            <button
              type="button"
              className="recent-run"
              aria-pressed={run.id === shownId}
              onClick={() => onChoose(run.id)}
            >
              <code className="run-id">{shortId(run.id)}</code>
              <span className="recent-what">
                {moment(run.createdAt)}
                {run.completedAt !== null && `, ${plural(run.stepCount, 'step')}`}
              </span>
              <StatusBadge status={run.status} />
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}

function emptyText(status: Props['recent']['status'], code: string | undefined): string {
  if (status === 'ready') return 'None yet in this browser.'
  return code === 'not_leader'
    ? 'They are listed in the tab that runs the engine.'
    : 'They are listed when the database is open.'
}
