import { useJob } from '@stepwell/react'
import { type DragEvent, useState } from 'react'
import type { Column } from '../csv.ts'
import { importCsv } from '../jobs.ts'
import { count, figure } from '../words.ts'
import { StatusBadge } from './StatusBadge.tsx'

/** A second job: it looks through any CSV file, 500 rows a step. The file is the run's input, and is stored with it. */
export function CsvImport() {
  const job = useJob(importCsv)
  const [isOver, setOver] = useState(false)
  const [unreadable, setUnreadable] = useState<string | null>(null)
  const isDisabled = job.isLoading || job.isActive || job.status === 'unavailable'

  const take = (file: File | undefined) => {
    if (file === undefined || isDisabled) return
    setUnreadable(null)
    file.text().then(
      (text) => {
        // Its refusal, if it is one, is in `triggerError`.
        job.trigger({ name: file.name, text })
      },
      (reason: unknown) => setUnreadable(`“${file.name}” cannot be read: ${String(reason)}`),
    )
  }
  const onDrop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    take(event.dataTransfer.files[0])
  }
  const problem = unreadable ?? triggerProblem(job.triggerError)
  return (
    <section className="card" aria-labelledby="csv-title">
      <div className="card-head">
        <h2 id="csv-title">Now your data</h2>
        {job.status !== 'idle' && job.status !== 'loading' && job.status !== 'unavailable' && (
          <StatusBadge status={job.status} testId="csv-status" />
        )}
      </div>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is a second way; the first is the input within */}
      <div
        className={`drop ${isOver ? 'is-over' : ''}`}
        onDragOver={(event) => {
          event.preventDefault()
          setOver(true)
        }}
        onDragLeave={() => setOver(false)}
        onDrop={onDrop}
      >
        <label htmlFor="csv-file">Drop a CSV file here, or choose one</label>
        <input
          id="csv-file"
          type="file"
          accept=".csv,text/csv"
          disabled={isDisabled}
          onChange={(event) => {
            take(event.target.files?.[0])
            // The same file may be chosen again.
            event.target.value = ''
          }}
        />
      </div>
      {problem !== null && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      {job.status === 'failed' && <p className="problem">{job.error.message}</p>}
      {job.isActive && <p className="message">{job.progress?.message ?? 'Reading it…'}</p>}
      {job.status === 'completed' && (
        <Columns name={job.run.input.name} rows={job.output.rows} columns={job.output.columns} />
      )}
      {job.status === 'idle' && problem === null && (
        <p className="hint">It stays in this browser: nothing is sent anywhere.</p>
      )}
    </section>
  )
}

function triggerProblem(error: ReturnType<typeof useJob<typeof importCsv>>['triggerError']) {
  if (error === null) return null
  if (error.code !== 'payload_too_large') return error.message
  return `This file is too large to be a job’s input. ${error.message}`
}

interface ColumnsProps {
  name: string
  rows: number
  columns: readonly Column[]
}

function Columns({ name, rows, columns }: ColumnsProps) {
  return (
    <>
      <p className="summary">
        {name}: {count(rows)} rows, {count(columns.length)} columns
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls on a narrow screen, and must do so by keyboard, too */}
      <section className="table-box" aria-label="Columns of the file" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Column</th>
              <th scope="col" className="number">
                Filled
              </th>
              <th scope="col" className="number">
                Mean
              </th>
              <th scope="col" className="number">
                Range
              </th>
            </tr>
          </thead>
          <tbody>
            {columns.map((column, i) => (
              <tr key={i}>
                <th scope="row">{column.name}</th>
                <td className="number">{count(column.filled)}</td>
                <td className="number">
                  {column.numbers === 0 ? '–' : figure(column.sum / column.numbers)}
                </td>
                <td className="number">
                  {column.min === null || column.max === null
                    ? '–'
                    : `${figure(column.min)} … ${figure(column.max)}`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  )
}
