import { useJob, useRun } from '@stepwell/react'
import { useState } from 'react'
import { EngineStatus } from './components/EngineStatus.tsx'
import { LogPanel } from './components/LogPanel.tsx'
import { RecentRuns } from './components/RecentRuns.tsx'
import { ResultTable } from './components/ResultTable.tsx'
import { RunPanel } from './components/RunPanel.tsx'
import { StartForm } from './components/StartForm.tsx'
import { StepList } from './components/StepList.tsx'
import { importMovies } from './jobs.ts'

export function App() {
  // After a reload this is the run that was active, still going.
  const job = useJob(importMovies)
  // An older run that the visitor chose from the list.
  const [chosenId, setChosenId] = useState<string | null>(null)
  const chosen = useRun<typeof importMovies>(chosenId)
  const view = chosenId === null ? job : chosen
  const runId = chosenId ?? job.runId

  return (
    <div className="page">
      <header className="masthead">
        <div>
          <h1>An import that survives</h1>
          <p className="lede">
            Stepwell cleans 3,201 films from a public data set, 50 at a time. Each batch is a step,
            and its result is in an SQLite database in this browser before the next one starts.
            There is no server.
          </p>
        </div>
        <EngineStatus />
      </header>
      <main className="columns">
        <div className="column">
          <StartForm job={job} onStart={() => setChosenId(null)} />
          <RunPanel view={view} runId={runId} />
          <StepList view={view} />
          <ResultTable view={view} />
        </div>
        <div className="column">
          <LogPanel runId={runId} />
          <RecentRuns shownId={runId} onChoose={setChosenId} />
        </div>
      </main>
    </div>
  )
}
