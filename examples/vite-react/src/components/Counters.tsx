import type { Step } from '@stepwell/react'
import { type Counts, stepsPerSecond } from '../counts.ts'
import { BATCHES } from '../jobs.ts'
import { count, duration } from '../words.ts'

/** What a second database, written by the batches themselves, says of this run. */
export function Counters({ counts, steps }: { counts: Counts; steps: readonly Step[] }) {
  const { crashes, committed, repeated, repeatedCommitted } = counts
  const last = crashes.at(-1)
  const rate = stepsPerSecond(steps)
  return (
    <section className="card counters" aria-label="Counters">
      <Figure
        label="Crashes survived"
        value={count(crashes.length)}
        note="Reloads and kills included"
        testId="crashes"
      />
      <Figure
        label="Batches committed"
        value={count(committed)}
        note={
          rate === null ? `of ${BATCHES}` : `of ${BATCHES} · ${rate.toFixed(0)} steps per second`
        }
        testId="committed"
      />
      <Figure
        label="Batches repeated"
        value={count(repeated)}
        note={`In flight at a crash. Of committed ones: ${repeatedCommitted}`}
        testId="repeated"
      />
      <Figure
        label="Last crash → next step"
        value={last === undefined || last.startMs === null ? '–' : duration(last.startMs)}
        note={recoveryNote(last)}
        testId="recovery"
      />
    </section>
  )
}

function recoveryNote(last: Counts['crashes'][number] | undefined): string {
  if (last === undefined) return 'No crash yet'
  if (last.startMs === null) return 'Killed without a button: not timed'
  return last.commitMs === null ? 'Started again' : `Committed after ${duration(last.commitMs)}`
}

interface FigureProps {
  label: string
  value: string
  note: string
  testId: string
}

function Figure({ label, value, note, testId }: FigureProps) {
  return (
    <dl className="figure">
      <dt>{label}</dt>
      <dd className="figure-value" data-testid={testId}>
        {value}
      </dd>
      <dd className="figure-note" data-testid={`${testId}-note`}>
        {note}
      </dd>
    </dl>
  )
}
