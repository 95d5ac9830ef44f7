import { useRunLogs } from '@stepwell/react'
import { useNewestInView } from '../useNewestInView.ts'
import { clock } from '../words.ts'

/** The run's log as it is written. Stored with the steps, so that it is here after a crash as well. */
export function LogPanel({ runId }: { runId: string | null }) {
  const { logs, status, error, hasOlder, loadOlder } = useRunLogs(runId, { limit: 300 })
  const box = useNewestInView(logs.at(-1)?.id)

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
        <p className="empty">{emptyText(status, error?.message)}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must do so by keyboard, too
        <ol className="log" aria-labelledby="log-title" tabIndex={0} ref={box}>
          {logs.map((line) => (
            <li key={line.id} className={`line is-${line.level}`}>
              <time>{clock(line.timestamp)}</time>
              <span className="line-step">{line.stepName ?? 'job'}</span>
              <span className="line-text">
                {line.level !== 'info' && <b>{line.level} </b>}
                {line.message}
              </span>
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}

function emptyText(
  status: ReturnType<typeof useRunLogs>['status'],
  problem: string | undefined,
): string {
  if (problem !== undefined) return problem
  if (status === 'loading') return 'Reading the log…'
  return 'Lines appear here while an import runs.'
}
