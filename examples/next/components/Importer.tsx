'use client'
import { StepwellProvider, useJob } from '@stepwell/react'
import type { Book } from '../lib/contact'
import { importContacts } from '../lib/jobs'
import { stepwell } from '../lib/stepwell'
import { AddressBook } from './AddressBook'
import { EngineStatus } from './EngineStatus'
import { ImportCard } from './ImportCard'
import { Imports } from './Imports'
import { LogCard } from './LogCard'
import { useAddressBook } from './useAddressBook'

/** @param book as the server has it while it renders the page. */
export function Importer({ book }: { book: Book }) {
  return (
    <StepwellProvider client={stepwell}>
      <Page book={book} />
    </StepwellProvider>
  )
}

/** Rows between two looks at the server's address book. */
const ROWS_PER_LOOK = 5

function Page({ book: initial }: { book: Book }) {
  // After a reload, and in another tab: the import that is at work.
  const job = useJob(importContacts)
  const rows = Math.ceil((job.progress?.current ?? 0) / ROWS_PER_LOOK)
  const { book, change } = useAddressBook(initial, `${job.status} ${rows}`)
  return (
    <div className="page">
      <header className="masthead">
        <div className="masthead-text">
          <h1>
            <span>Import contacts.</span> <span>Reload in the midst of it.</span>
          </h1>
          <p className="lede">
            Each row of a CSV file is checked in a worker and sent to this app’s API, as a step of
            its own: what the API answered is on this disk before the next row goes out. The API
            takes 20 rows a second and asks for a pause beyond; every row gets there, and gets there
            once.
          </p>
        </div>
        <EngineStatus />
      </header>
      <main className="columns">
        <div className="column">
          <ImportCard job={job} />
          <LogCard runId={job.runId} />
        </div>
        <div className="column">
          <AddressBook book={book} change={change} />
          <Imports shownId={job.runId} />
        </div>
      </main>
    </div>
  )
}
