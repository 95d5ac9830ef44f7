import { useRunLogs } from '@stepwell/react'
import { useEffect, useRef, useState } from 'react'
import { clock } from '../lib/words'

const LEVELS = ['info', 'warn'] as const
type Level = (typeof LEVELS)[number]
const NAMES: Record<Level, string> = { info: 'All lines', warn: 'What was left out' }
/** Of the newest ones. */
const LINES = 300

/** The run's log as it is written. It is stored with the steps, so that it is here after a reload. */
export function LogCard({ runId }: { runId: string | null }) {
  const [level, setLevel] = useState<Level>('info')
  const { logs, status, hasOlder, loadOlder } = useRunLogs(runId, { level, limit: LINES })
  const list = useRef<HTMLOListElement>(null)
  const newest = logs.at(-1)?.id

  useEffect(() => {
    if (newest !== undefined) list.current?.scrollTo(0, list.current.scrollHeight)
  }, [newest])

  return (
    <section className="card" aria-labelledby="log-title">
      <div className="card-head">
        <h2 id="log-title">Log</h2>
        <label className="option">
          Show
          <select
            value={level}
            onChange={({ target }) => setLevel(target.value === 'warn' ? 'warn' : 'info')}
          >
            {LEVELS.map((level) => (
              <option key={level} value={level}>
                {NAMES[level]}
              </option>
            ))}
          </select>
        </label>
      </div>
      {hasOlder && (
        <button type="button" onClick={() => void loadOlder()}>
          Older lines
        </button>
      )}
      {logs.length === 0 ? (
        <p className="empty">
          {status === 'loading' ? 'Reading it…' : 'Each row writes a line here.'}
        </p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must do so by keyboard, too
        <ol className="log" aria-labelledby="log-title" tabIndex={0} ref={list}>
          {logs.map(({ id, timestamp, stepName, level, message }) => (
            <li key={id} className={`line is-${level}`}>
              <time>{clock(timestamp)}</time>
              <span className="line-step">{stepName ?? 'job'}</span>
              <span>{message}</span>
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}
