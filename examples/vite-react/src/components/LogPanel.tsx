import { type LogsView, useRunLogs } from '@stepwell/react'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef } from 'react'
import { clock } from '../words.ts'

const LINE_PX = 27
/** Nearer to the end than this the newest line is followed. */
const END_PX = 40

/** The run's log as it is written. Stored with the steps, so that it is here after a crash as well. */
export function LogPanel({ runId }: { runId: string | null }) {
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
        <p className="empty">{emptyText(status, error?.code)}</p>
      ) : (
        <Lines logs={logs} />
      )}
    </section>
  )
}

/** Only the lines in view are in the document: a log may have thousands. */
function Lines({ logs }: { logs: LogsView['logs'] }) {
  const box = useRef<HTMLDivElement>(null)
  const isFollowing = useRef(true)
  const scrolledTo = useRef(0)
  const lines = useVirtualizer({
    count: logs.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_PX,
    getItemKey: (index) => logs[index]?.id ?? index,
    overscan: 8,
  })
  const newest = logs.at(-1)?.id

  useEffect(() => {
    if (newest !== undefined && isFollowing.current && box.current !== null)
      box.current.scrollTop = box.current.scrollHeight
  }, [newest])

  const onScroll = () => {
    if (box.current === null) return
    const { scrollHeight, scrollTop, clientHeight } = box.current
    // Lines may have come since the event: away from the end, only a scroll upwards is the reader's wish.
    if (scrollHeight - scrollTop - clientHeight < END_PX) isFollowing.current = true
    else if (scrollTop < scrolledTo.current) isFollowing.current = false
    scrolledTo.current = scrollTop
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must do so by keyboard, too
    <section className="log" aria-labelledby="log-title" tabIndex={0} ref={box} onScroll={onScroll}>
      <ol style={{ height: lines.getTotalSize() }}>
        {lines.getVirtualItems().map(({ key, index, start }) => {
          const line = logs[index]
          if (line === undefined) return null
          return (
            <li
              key={key}
              ref={lines.measureElement}
              data-index={index}
              aria-setsize={logs.length}
              aria-posinset={index + 1}
              className={`line is-${line.level}`}
              style={{ transform: `translateY(${start}px)` }}
            >
              <time>{clock(line.timestamp)}</time>
              <span className="line-step">{line.stepName ?? 'job'}</span>
              <span className="line-text">
                {line.level !== 'info' && <b>{line.level} </b>}
                {line.message}
              </span>
            </li>
          )
        })}
      </ol>
    </section>
  )
}

function emptyText(status: LogsView['status'], code: string | undefined): string {
  if (code === 'not_leader') return 'The log is shown in the tab that runs the engine.'
  if (code !== undefined) return 'The log is shown when the database is open.'
  if (status === 'loading') return 'Reading the log…'
  return 'Each batch writes a line here, and its line is stored with its result.'
}
