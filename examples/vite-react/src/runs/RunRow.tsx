import type { RunsView } from '@stepwell/react'
import { memo } from 'react'
import { StatusBadge } from '../components/StatusBadge.tsx'
import { runHref, type Words } from '../route.ts'
import { WaitText } from '../waiting/WaitText.tsx'
import { duration, shortId, when } from '../words.ts'
import { LabelList } from './LabelList.tsx'
import { isActive } from './states.ts'

type Run = RunsView['runs'][number]

interface Props {
  run: Run
  words: Words
  onRetrigger: (runId: string) => void
  onDelete: (runId: string) => void
}

/** Renders again when its own run changes: in a list of `useRuns` the other runs stay the objects that they were. */
export const RunRow = memo(function RunRow({ run, words, onRetrigger, onDelete }: Props) {
  const { id, jobName, status, labels, createdAt, startedAt, completedAt, parentId } = run
  const name = shortId(id)
  return (
    <tr>
      <th scope="row">
        <div className="run-name">
          <a href={runHref(id)}>
            <code className="run-id">{name}</code> {jobName}
          </a>
          <LabelList labels={labels} words={words} />
        </div>
      </th>
      <td className="run-status">
        <StatusBadge status={status} />
        <Standing run={run} />
      </td>
      <td className="run-when">
        <time dateTime={new Date(createdAt).toISOString()}>{when(createdAt)}</time>
      </td>
      <td className="number run-took">
        {startedAt !== null && completedAt !== null ? duration(completedAt - startedAt) : '–'}
      </td>
      <td className="run-actions">
        <button
          type="button"
          className="quiet"
          disabled={isActive(status)}
          aria-label={`Retrigger ${name}`}
          onClick={() => onRetrigger(id)}
        >
          Retrigger
        </button>
        <button
          type="button"
          className="quiet danger"
          // A child goes with its parent.
          disabled={isActive(status) || parentId !== null}
          aria-label={`Delete ${name}`}
          onClick={() => onDelete(id)}
        >
          Delete
        </button>
      </td>
    </tr>
  )
})

/** How far it has come, or what stopped it. */
function Standing({ run: { status, progress, error, waitingFor } }: { run: Run }) {
  if (waitingFor !== undefined) {
    return (
      <span className="run-note">
        <span>
          <WaitText waitingFor={waitingFor} />
        </span>
      </span>
    )
  }
  if (status === 'failed') return <span className="run-note">{error?.message}</span>
  if (status === 'completed' || progress === null) return null
  const { current, total } = progress
  return (
    <span className="run-note">
      <progress aria-label="Progress" value={current} max={total ?? current} />
      {total === undefined ? current : `${current} of ${total}`}
    </span>
  )
}
