import { useStepwellStatus } from '@stepwell/react'
import type { RecentRuns } from '../useRecentRuns.ts'
import { moment, plural, shortId } from '../words.ts'
import { StatusBadge } from './StatusBadge.tsx'

interface Props {
  recent: RecentRuns
  shownId: string | null
  onChoose: (runId: string) => void
}

export function RunList({ recent, shownId, onChoose }: Props) {
  const { state, role } = useStepwellStatus()
  const { runs, problem } = recent
  return (
    <section className="card" aria-labelledby="recent-title">
      <h2 id="recent-title">Runs</h2>
      {problem !== null && <p className="problem">{problem}</p>}
      {problem === null && runs.length === 0 && (
        <p className="empty">{emptyText(state === 'ready', role === 'follower')}</p>
      )}
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

function emptyText(isReady: boolean, isFollower: boolean): string {
  if (isReady) return 'None yet in this browser.'
  return isFollower
    ? 'They are listed in the tab that runs the engine.'
    : 'They are listed when the database is open.'
}
