import type { LogLevel } from '@stepwell/core'
import { type LogsView, useRunLogs } from '@stepwell/react'
import { useState } from 'react'
import { LogLines } from '../components/LogLines.tsx'

const LEVELS: Readonly<Record<LogLevel, string>> = {
  debug: 'all lines',
  info: 'info and above',
  warn: 'warnings and errors',
  error: 'errors',
}
const LIMIT = 200

const isLevel = (value: string): value is LogLevel => value in LEVELS

/** The log of a run, from one level up. The engine filters, so the limit counts the lines that are wanted. */
export function RunLogs({ runId }: { runId: string }) {
  const [level, setLevel] = useState<LogLevel>('debug')
  const { logs, status, hasOlder, loadOlder } = useRunLogs(runId, { level, limit: LIMIT })
  return (
    <section className="card run-log" aria-labelledby="run-log-title">
      <div className="card-head">
        <h2 id="run-log-title">Log</h2>
        {hasOlder && (
          <button type="button" className="quiet" onClick={loadOlder}>
            Load older lines
          </button>
        )}
        <label className="field">
          <span>Show</span>
          <select
            className="quiet"
            value={level}
            onChange={({ target }) => isLevel(target.value) && setLevel(target.value)}
          >
            {Object.entries(LEVELS).map(([name, words]) => (
              <option key={name} value={name}>
                {words}
              </option>
            ))}
          </select>
        </label>
      </div>
      {logs.length === 0 ? (
        <p className="empty">{emptyText(status, level)}</p>
      ) : (
        <LogLines logs={logs} titleId="run-log-title" />
      )}
    </section>
  )
}

function emptyText(status: LogsView['status'], level: LogLevel): string {
  if (status === 'loading') return 'Reading the log…'
  if (status === 'unavailable') return 'It is shown when the database is open.'
  return level === 'debug' ? 'It has written none.' : 'There is no such line.'
}
