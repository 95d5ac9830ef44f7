import { type LogsView, useRunLogs } from '@stepwell/react'
import { LogLines } from './LogLines.tsx'

interface Props {
  runId: string | null
  /** What there is to be said of a log without lines. */
  empty: string
}

/** The run's log as it is written. Stored with the steps, so that it is here after a crash as well. */
export function LogPanel({ runId, empty }: Props) {
  const { logs, status, error, hasOlder, loadOlder } = useRunLogs(runId)
  return (
    <section className="card" aria-labelledby="log-title">
      <div className="card-head">
        <h2 id="log-title">Log</h2>
        {hasOlder && (
          <button type="button" className="quiet" onClick={loadOlder}>
            Load older lines
          </button>
        )}
      </div>
      {logs.length === 0 ? (
        <p className="empty">{emptyText(status, error?.code) ?? empty}</p>
      ) : (
        <LogLines logs={logs} titleId="log-title" />
      )}
    </section>
  )
}

function emptyText(status: LogsView['status'], code: string | undefined): string | null {
  if (code === 'not_leader') return 'The log is shown in the tab that runs the engine.'
  if (code !== undefined) return 'The log is shown when the database is open.'
  if (status === 'loading') return 'Reading the log…'
  return null
}
