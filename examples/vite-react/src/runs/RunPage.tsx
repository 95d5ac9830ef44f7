import { useRun } from '@stepwell/react'
import { ChildGrid } from '../waiting/ChildGrid.tsx'
import { LabelList } from './LabelList.tsx'
import { RunActions } from './RunActions.tsx'
import { RunFacts } from './RunFacts.tsx'
import { RunLogs } from './RunLogs.tsx'
import { RunState } from './RunState.tsx'
import { RunTiming } from './RunTiming.tsx'
import { StepTable } from './StepTable.tsx'
import { Value } from './Value.tsx'

/** All that is known of one run, live, whichever job it is of. */
export function RunPage({ runId }: { runId: string }) {
  const view = useRun(runId)
  const { run, status, steps, children } = view
  if (run === null) return <NoRun status={status} />
  return (
    <div className="columns">
      <div className="column">
        <section className="card" aria-labelledby="state-title">
          <RunState view={view} />
          <RunActions view={view} />
        </section>
        {children.length > 0 && (
          <section className="card" aria-labelledby="children-title">
            <h2 id="children-title">Children</h2>
            <ChildGrid>{children}</ChildGrid>
          </section>
        )}
        <StepTable runId={runId} steps={steps} />
        <RunLogs runId={runId} />
      </div>
      <div className="column">
        <RunTiming run={run} />
        <Value title="Input" value={run.input} empty="This job takes none." />
        <Value title="Output" value={run.output} empty={noOutput(status)} />
        <RunFacts run={run}>
          <LabelList labels={run.labels} />
        </RunFacts>
      </div>
    </div>
  )
}

function NoRun({ status }: { status: string }) {
  if (status === 'loading') return <p className="empty">Reading the run…</p>
  // The head of the page says why.
  if (status === 'unavailable')
    return <p className="empty">It is shown when the database is open.</p>
  return (
    <section className="card" role="status">
      <h2>This run is missing</h2>
      <p className="message">
        It was deleted, here or in another tab, or it never was in this browser.
      </p>
      <a href="#/runs">Back to all runs</a>
    </section>
  )
}

function noOutput(status: string): string {
  if (status === 'completed') return 'This job returns nothing.'
  return status === 'failed' || status === 'cancelled' ? 'It ended without one.' : 'Not yet.'
}
