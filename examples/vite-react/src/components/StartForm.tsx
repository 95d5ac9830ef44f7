import type { JobView } from '@stepwell/react'
import { useState } from 'react'
import type { importMovies } from '../jobs.ts'

interface Props {
  job: JobView<typeof importMovies>
  onStart: () => void
}

/** The job's input, and the button that triggers it. */
export function StartForm({ job, onStart }: Props) {
  const [groupBy, setGroupBy] = useState<'genre' | 'decade'>('genre')
  const [slowMotion, setSlowMotion] = useState(true)
  const [failBatch20, setFailBatch20] = useState(false)

  const start = () => {
    onStart()
    job.trigger({ groupBy, slowMotion, failBatch20 })
  }

  return (
    <section className="card" aria-labelledby="start-title">
      <h2 id="start-title">Import</h2>
      <div className="options">
        <label className="field">
          <span>Group by</span>
          <select
            value={groupBy}
            onChange={(event) => setGroupBy(event.target.value === 'decade' ? 'decade' : 'genre')}
          >
            <option value="genre">Genre</option>
            <option value="decade">Decade</option>
          </select>
        </label>
        <Switch label="Slow motion" checked={slowMotion} onChange={setSlowMotion} />
        <Switch label="Make batch 20 fail" checked={failBatch20} onChange={setFailBatch20} />
        <button
          type="button"
          className="primary"
          disabled={job.isLoading || job.isActive || job.status === 'unavailable'}
          onClick={start}
        >
          Start import
        </button>
      </div>
      {job.triggerError !== null && (
        <p className="problem" role="alert">
          {job.triggerError.message}
        </p>
      )}
      <p className="hint">
        Kill this tab or the whole browser in the middle, then open it again: the import goes on,
        and no finished batch is done twice.
      </p>
    </section>
  )
}

interface SwitchProps {
  label: string
  checked: boolean
  onChange: (checked: boolean) => void
}

function Switch({ label, checked, onChange }: SwitchProps) {
  return (
    <label className="switch">
      <input
        type="checkbox"
        checked={checked}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span>{label}</span>
    </label>
  )
}
