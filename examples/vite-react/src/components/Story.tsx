import { useJob, useRun, useRuns } from '@stepwell/react'
import { useMemo, useState } from 'react'
import { countEvidence } from '../counts.ts'
import { flights } from '../jobs.ts'
import { useCommitted } from '../useCommitted.ts'
import { useEvidence } from '../useEvidence.ts'
import { useHeld } from '../useHeld.ts'
import { Controls } from './Controls.tsx'
import { Counters } from './Counters.tsx'
import { CsvImport } from './CsvImport.tsx'
import { DelayChart } from './DelayChart.tsx'
import { JobCode } from './JobCode.tsx'
import { LogPanel } from './LogPanel.tsx'
import { RunList } from './RunList.tsx'
import { TabsPanel } from './TabsPanel.tsx'
import { Timeline } from './Timeline.tsx'

/**
 * Every trigger of this hook has these: one run of the flights at a time, and no second one in the queue. It goes before
 * a batch that was started earlier, for somebody waits for it.
 */
const OPTIONS = {
  labels: { source: 'button' },
  concurrencyKey: 'flights',
  coalesce: 'skip',
  priority: 1,
} as const
const RECENT = { job: flights, limit: 8 } as const

/** One job, what becomes of it, and all that can be done to it. */
export function Story() {
  // After a reload this is the run that was active, still going.
  const job = useJob(flights, OPTIONS)
  const recent = useRuns(RECENT)
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
    <div className="columns">
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
        <TabsPanel />
        <LogPanel
          runId={runId}
          empty="Each batch writes a line here, and its line is stored with its result."
        />
        <RunList recent={recent} shownId={runId} onChoose={setChosenId} />
        <CsvImport />
        {runId !== null && <JobCode isFolded />}
      </div>
    </div>
  )
}
