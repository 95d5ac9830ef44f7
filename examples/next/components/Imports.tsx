import { useRuns } from '@stepwell/react'
import { useState } from 'react'
import { importContacts } from '../lib/jobs'
import { clock, shortId } from '../lib/words'
import { StatusBadge } from './StatusBadge'

const PAGE = 5

/** The imports of this browser, by where their rows came from. */
export function Imports({ shownId }: { shownId: string | null }) {
  const [source, setSource] = useState<'any' | 'file' | 'sample'>('any')
  const { runs, status, hasNextPage, fetchNextPage } = useRuns({
    job: importContacts,
    limit: PAGE,
    ...(source === 'any' ? {} : { labels: { source } }),
  })
  return (
    <section className="card" aria-labelledby="imports-title">
      <div className="card-head">
        <h2 id="imports-title">Imports</h2>
        <label className="option">
          From
          <select
            value={source}
            onChange={({ target: { value } }) =>
              setSource(value === 'file' || value === 'sample' ? value : 'any')
            }
          >
            <option value="any">anywhere</option>
            <option value="file">a file</option>
            <option value="sample">the sample</option>
          </select>
        </label>
      </div>
      {runs.length === 0 && (
        <p className="empty">{status === 'loading' ? 'Reading them…' : 'None in this browser.'}</p>
      )}
      <ol className="runs">
        {runs.map((run) => (
          <li key={run.id} className={run.id === shownId ? 'is-shown' : ''}>
            <code>{shortId(run.id)}</code>
            <span className="runs-what">
              {clock(run.createdAt)}, {run.input.file.name}
            </span>
            <StatusBadge status={run.status} />
          </li>
        ))}
      </ol>
      {hasNextPage && (
        <div className="actions">
          <button type="button" onClick={() => void fetchNextPage()}>
            Older imports
          </button>
        </div>
      )}
    </section>
  )
}
