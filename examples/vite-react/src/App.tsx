import { useJob, useRun } from '@stepwell/react'
import { useMemo, useState } from 'react'
import { Controls } from './components/Controls.tsx'
import { Counters } from './components/Counters.tsx'
import { CsvImport } from './components/CsvImport.tsx'
import { DelayChart } from './components/DelayChart.tsx'
import { EngineStatus } from './components/EngineStatus.tsx'
import { JobCode } from './components/JobCode.tsx'
import { LogPanel } from './components/LogPanel.tsx'
import { RunList } from './components/RunList.tsx'
import { Timeline } from './components/Timeline.tsx'
import { countEvidence } from './counts.ts'
import { flights } from './jobs.ts'
import { useCommitted } from './useCommitted.ts'
import { useEvidence } from './useEvidence.ts'
import { useHeld } from './useHeld.ts'
import { useRecentRuns } from './useRecentRuns.ts'

export function App() {
  // After a reload this is the run that was active, still going.
  const job = useJob(flights)
  const recent = useRecentRuns()
  // An older run that the visitor chose from the list. Where none was chosen and none is at work: the newest.
  const [chosenId, setChosenId] = useState<string | null>(null)
  const olderId = chosenId ?? (job.status === 'idle' ? (recent.runs[0]?.id ?? null) : null)
  const older = useRun<typeof flights>(olderId)
  const view = olderId === null ? job : older
  const runId = olderId ?? job.runId
  const evidence = useEvidence(runId)
  const committed = useCommitted(runId)
  const { steps, startedAt } = useHeld(runId, view)
  const counts = useMemo(() => countEvidence(evidence, steps), [evidence, steps])

  return (
    <div className="page">
      <header className="masthead">
        <div>
          <h1>Kill this page. It will finish.</h1>
          <p className="lede">
            Stepwell adds up the delays of 200,000 flights in 400 batches. Each batch is a step, and
            its result is in an SQLite database in this browser before the next one starts. There is
            no server.
          </p>
        </div>
        <EngineStatus />
      </header>
      <main className="columns">
        <div className="column">
          <Controls
            job={job}
            view={view}
            runId={runId}
            committed={counts.committed}
            onStart={() => setChosenId(null)}
          />
          {runId === null && !view.isLoading && <JobCode />}
          {runId !== null && (
            <>
              <Counters counts={counts} steps={steps} />
              <DelayChart committed={committed} />
              <Timeline steps={steps} counts={counts} startedAt={startedAt} />
            </>
          )}
        </div>
        <div className="column">
          <LogPanel runId={runId} />
          <RunList recent={recent} shownId={runId} onChoose={setChosenId} />
          <CsvImport />
          {runId !== null && <JobCode isFolded />}
        </div>
      </main>
    </div>
  )
}
