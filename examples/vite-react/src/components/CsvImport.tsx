import { type JobView, useJob } from '@stepwell/react'
import { useState } from 'react'
import { importCsv } from '../jobs.ts'
import { runHref } from '../route.ts'
import { CsvColumns } from './CsvColumns.tsx'
import { FileDrop } from './FileDrop.tsx'
import { StatusBadge } from './StatusBadge.tsx'

/** It goes before a batch that was started earlier, as the flights do. */
const OPTIONS = { labels: { source: 'csv' }, priority: 1 } as const

/** As it is, whatever its size: the file is the run's input. It is stored beside the database, and deleted with its run. */
export function CsvImport() {
  const job = useJob(importCsv, OPTIONS)
  const [isKnown, setKnown] = useState(false)
  const take = async (file: File) => {
    setKnown(false)
    // Its refusal, if it is one, is in `triggerError`.
    const { disposition } = await job.trigger({ file }, { idempotencyKey: keyOf(file) })
    setKnown(disposition === 'idempotent')
  }
  return (
    <section className="card" aria-labelledby="csv-title">
      <div className="card-head">
        <h2 id="csv-title">Now your data</h2>
        {job.status !== 'idle' && job.status !== 'loading' && job.status !== 'unavailable' && (
          <StatusBadge status={job.status} testId="csv-status" />
        )}
      </div>
      <FileDrop
        label="Drop a CSV file here, or choose one"
        accept=".csv,text/csv"
        isDisabled={job.isLoading || job.isActive || job.status === 'unavailable'}
        onFile={(file) => take(file).catch(() => undefined)}
      />
      {job.triggerError !== null && (
        <p className="problem" role="alert">
          {job.triggerError.message}
        </p>
      )}
      {isKnown && (
        <p className="notice" role="status">
          The same file was given before: this is what became of it then.
        </p>
      )}
      <Result job={job} />
    </section>
  )
}

/** The same for the same file: giving it twice makes one run. */
const keyOf = ({ name, size, lastModified }: File): string =>
  `${lastModified} ${size} ${name.slice(-200)}`

function Result({ job }: { job: JobView<typeof importCsv> }) {
  switch (job.status) {
    case 'idle':
      return <p className="hint">It stays in this browser: nothing is sent anywhere.</p>
    case 'pending':
    case 'running':
      return <p className="message">{job.progress?.message ?? 'Reading it…'}</p>
    case 'failed':
      return <p className="problem">{job.error.message}</p>
    case 'completed':
      return (
        <>
          <CsvColumns name={job.run.input.file.name} table={job.output} />
          <a href={runHref(job.run.id)}>Its run</a>
        </>
      )
    default:
      return null
  }
}
