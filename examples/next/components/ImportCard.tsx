import type { JobView } from '@stepwell/react'
import { type ChangeEvent, type DragEvent, useState } from 'react'
import type { importContacts } from '../lib/jobs'
import { clock, count } from '../lib/words'
import { StatusBadge } from './StatusBadge'

type ImportView = JobView<typeof importContacts>

/** Starts an import and tells how it goes. */
export function ImportCard({ job }: { job: ImportView }) {
  const [problem, setProblem] = useState<string | null>(null)
  const isBusy = job.isLoading || job.isActive || job.status === 'unavailable'
  // The file is the run's input: it is stored with the run, which goes on without this page.
  const start = async (source: 'file' | 'sample', file: File | undefined) => {
    if (file === undefined || isBusy) return
    setProblem(null)
    // Its refusal, if it is one, is in `triggerError`.
    await job.trigger({ file }, { labels: { source } }).catch(() => undefined)
  }
  const startSample = async () => {
    try {
      await start('sample', await sample())
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error))
    }
  }
  const onChange = ({ target }: ChangeEvent<HTMLInputElement>) => {
    void start('file', target.files?.[0])
    // The same file may be chosen again.
    target.value = ''
  }
  const onDrop = (event: DragEvent) => {
    event.preventDefault()
    void start('file', event.dataTransfer.files[0])
  }
  const trouble = job.triggerError?.message ?? problem
  return (
    <section className="card" aria-labelledby="import-title">
      <div className="card-head">
        <h2 id="import-title">Import</h2>
        <StatusBadge status={job.status} />
      </div>
      <Progress job={job} />
      <p className="message" role="status">
        {messageOf(job)}
      </p>
      {trouble !== null && (
        <p className="problem" role="alert">
          {trouble}
        </p>
      )}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is a second way; the first is the input within */}
      <div className="drop" onDragOver={(event) => event.preventDefault()} onDrop={onDrop}>
        <label htmlFor="file">
          Drop a CSV file with the columns name, email and city, or choose one
        </label>
        <input id="file" type="file" accept=".csv,text/csv" disabled={isBusy} onChange={onChange} />
      </div>
      <div className="actions">
        <button type="button" className="primary" disabled={isBusy} onClick={startSample}>
          Import the sample
        </button>
        <button type="button" disabled={!job.isActive} onClick={() => void job.cancel()}>
          Cancel
        </button>
        <button
          type="button"
          disabled={job.status !== 'failed' && job.status !== 'cancelled'}
          onClick={() => void job.retry()}
        >
          Go on
        </button>
        <a href="/contacts.csv" download>
          The sample file
        </a>
      </div>
    </section>
  )
}

async function sample(): Promise<File> {
  const response = await fetch('/contacts.csv')
  if (!response.ok) throw new Error(`The sample could not be loaded: ${response.status}.`)
  return new File([await response.blob()], 'contacts.csv', { type: 'text/csv' })
}

function Progress({ job: { progress } }: { job: ImportView }) {
  const { current = 0, total } = progress ?? {}
  return (
    <div className="progress">
      <progress aria-label="Rows" value={current} max={total ?? 1} />
      <span className="progress-text">{total == null ? '–' : `${current} of ${total}`}</span>
    </div>
  )
}

function messageOf(job: ImportView): string {
  switch (job.status) {
    case 'loading':
      return 'Opening the database of this browser…'
    case 'idle':
      return 'Nothing is at work.'
    case 'waiting': {
      const { waitingFor } = job
      if (waitingFor.kind === 'network') return 'Offline: it goes on by itself.'
      if (waitingFor.kind !== 'retry') return 'It waits.'
      return `${waitingFor.error.message} Again at ${clock(waitingFor.until)}.`
    }
    case 'completed': {
      const { added, updated, rejected } = job.output
      return `${count(added, 'contact')} added, ${updated} updated, ${count(rejected, 'row')} left out.`
    }
    case 'failed':
      return job.error.message
    case 'cancelled':
      return 'Cancelled. What was sent is not sent again when it goes on.'
    case 'unavailable':
      return job.error.message
    default:
      return 'Row by row. Reload, if you like.'
  }
}
