import type { Run } from '@stepwell/react'
import type { ReactNode } from 'react'
import { runHref } from '../route.ts'
import { count, shortId } from '../words.ts'
import { Fact } from './Fact.tsx'

/** What a run carries beside its values: how it may be found, and what was asked for when it was triggered. */
export function RunFacts({ run, children }: { run: Run; children: ReactNode }) {
  return (
    <section className="card" aria-labelledby="facts-title">
      <h2 id="facts-title">Labels and keys</h2>
      {children}
      <dl className="facts">
        <Fact name="Id">
          <code>{run.id}</code>
        </Fact>
        {run.parentId !== null && (
          <Fact name="Parent">
            <a href={runHref(run.parentId)}>
              <code>{shortId(run.parentId)}</code>
            </a>
            , child {run.childIndex} of step {run.parentStep}
          </Fact>
        )}
        {run.idempotencyKey !== null && (
          <Fact name="Idempotency key">
            <code>{run.idempotencyKey}</code>
          </Fact>
        )}
        {run.concurrencyKey !== null && (
          <Fact name="Concurrency key">
            <code>{run.concurrencyKey}</code>
          </Fact>
        )}
        <Fact name="Priority">{run.priority}</Fact>
        <Fact name="Attempt">{run.attempt}</Fact>
        <Fact name="Steps stored">{count(run.stepCount)}</Fact>
        {/* No event tells it: while the run goes on it would be what it was at the last read. */}
        {run.completedAt !== null && <Fact name="Log lines stored">{count(run.logCount)}</Fact>}
      </dl>
    </section>
  )
}
