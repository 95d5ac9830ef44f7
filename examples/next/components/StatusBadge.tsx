import type { RunView } from '@stepwell/react'

const MARKS: Record<RunView['status'], string> = {
  loading: '…',
  idle: '–',
  missing: '?',
  unavailable: '!',
  pending: '…',
  running: '▸',
  waiting: '…',
  completed: '✓',
  failed: '×',
  cancelled: '■',
}

/** A status in a word, with a mark, so that it does not take colour to read it. */
export function StatusBadge({ status }: { status: RunView['status'] }) {
  return (
    <span className={`badge is-${status}`}>
      <span aria-hidden="true">{MARKS[status]} </span>
      {status}
    </span>
  )
}
