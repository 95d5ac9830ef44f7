import { useJob, useRun, useRuns } from '@stepwell/react'
import { JobCode } from '../components/JobCode.tsx'
import { LogPanel } from '../components/LogPanel.tsx'
import { bulletin } from '../jobs.ts'
import { BulletinControls } from './BulletinControls.tsx'
import { Stages } from './Stages.tsx'

const OPTIONS = {
  labels: { source: 'bulletin' },
  concurrencyKey: 'bulletin',
  coalesce: 'skip',
  priority: 1,
} as const
const LATEST = { job: bulletin, limit: 1 } as const

/** The job that waits, and each of its waits as it stands. */
export function WaitingPage() {
  // After a reload this is the run that was active, or waits.
  const job = useJob(bulletin, OPTIONS)
  const latest = useRuns(LATEST)
  // Where none is at work: the newest that there was.
  const latestId = job.status === 'idle' ? (latest.runs[0]?.id ?? null) : null
  const ended = useRun<typeof bulletin>(latestId)
  const view = latestId === null ? job : ended
  const runId = latestId ?? job.runId
  return (
    <div className="columns waiting">
      <div className="column">
        <BulletinControls job={job} view={view} runId={runId} />
        <Stages view={view} runId={runId} />
      </div>
      <div className="column">
        <JobCode job="bulletin" />
        <div className="run-log">
          <LogPanel runId={runId} empty="What the run logs is stored with it, and shown here." />
        </div>
      </div>
    </div>
  )
}
