import type { LogLine } from '@stepwell/react'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef } from 'react'
import { clock } from '../words.ts'

const LINE_PX = 27
/** Nearer to the end than this the newest line is followed. */
const END_PX = 40

/** Log lines in a box that follows the newest. Only those in view are in the document: a log may have thousands. */
export function LogLines({ logs, titleId }: { logs: readonly LogLine[]; titleId: string }) {
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
    <section className="log" aria-labelledby={titleId} tabIndex={0} ref={box} onScroll={onScroll}>
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
              <Line line={line} />
            </li>
          )
        })}
      </ol>
    </section>
  )
}

function Line({ line: { timestamp, stepName, level, message, data } }: { line: LogLine }) {
  return (
    <>
      <time>{clock(timestamp)}</time>
      <span className="line-step">{stepName ?? 'job'}</span>
      <span className="line-text">
        {level !== 'info' && <b>{level} </b>}
        {message}
        {data !== undefined && <code className="line-data"> {JSON.stringify(data)}</code>}
      </span>
    </>
  )
}
