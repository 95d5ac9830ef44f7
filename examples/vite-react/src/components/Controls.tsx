import { crashEngine, terminateExecutor } from '@stepwell/core/testing'
import { type JobView, type RunView, useStepwell, useStepwellStatus } from '@stepwell/react'
import { type Press, recordPress } from '../evidence.ts'
import { BATCHES, type flights } from '../jobs.ts'
import { useControls } from '../useEvidence.ts'
import { count, shortId } from '../words.ts'
import { StatusBadge } from './StatusBadge.tsx'

type View = RunView<typeof flights>

const MESSAGE_STYLES: { [S in View['status']]?: string } = {
  failed: 'problem',
  unavailable: 'notice',
}

interface Props {
  job: JobView<typeof flights>
  view: View
  runId: string | null
  committed: number
  onStart: () => void
}

/** Where the run stands, and all that can be done to it: also what should never be done to a job. */
export function Controls({ job, view, runId, committed, onStart }: Props) {
  const [controls, setControl] = useControls()
  const start = () => {
    onStart()
    // One that was asked for in an earlier run and not used up.
    setControl('failNext', false)
    job.trigger()
  }
  return (
    <section className="card" aria-labelledby="run-title">
      <div className="card-head">
        <h2 id="run-title">
          Run {runId !== null && <code className="run-id">{shortId(runId)}</code>}
        </h2>
        <span role="status">
          <StatusBadge status={view.status} testId="run-status" />
        </span>
      </div>
      <ProgressBar committed={runId === null ? null : committed} />
      <p className={MESSAGE_STYLES[view.status] ?? 'message'}>{message(view)}</p>
      <div className="actions">
        <button
          type="button"
          className="primary"
          disabled={job.isLoading || job.isActive || job.status === 'unavailable'}
          onClick={start}
        >
          Start
        </button>
        <button
          type="button"
          disabled={view.status !== 'failed' && view.status !== 'cancelled'}
          onClick={view.retry}
        >
          Retry
        </button>
        <button type="button" disabled={!view.isActive || view.run === null} onClick={view.cancel}>
          Cancel
        </button>
        <label className="switch">
          <input
            type="checkbox"
            checked={controls.slowMotion}
            onChange={(event) => setControl('slowMotion', event.target.checked)}
          />
          <span>Slow motion</span>
        </label>
      </div>
      <Breakers
        runId={runId}
        isRunning={view.status === 'running'}
        willFail={controls.failNext}
        onFailNext={() => setControl('failNext', true)}
      />
      {job.triggerError !== null && (
        <p className="problem" role="alert">
          {job.triggerError.message}
        </p>
      )}
    </section>
  )
}

interface BreakersProps {
  runId: string | null
  isRunning: boolean
  willFail: boolean
  onFailNext: () => void
}

function Breakers({ runId, isRunning, willFail, onFailNext }: BreakersProps) {
  const stepwell = useStepwell()
  const { state, role } = useStepwellStatus()
  const isElsewhere = role === 'follower'
  const record = async (kind: Press['kind']) => {
    if (runId !== null && isRunning) await recordPress({ runId, kind, at: Date.now() })
  }
  const crash = () => {
    // On record at the same time, for the page lives on.
    void record('crash')
    crashEngine(stepwell, 'terminate')
    terminateExecutor(stepwell)
  }
  const reload = () => {
    // Whatever becomes of the record: the button reloads.
    record('reload').finally(() => location.reload())
  }
  return (
    <fieldset className="breakers">
      <legend>Do your worst</legend>
      <button
        type="button"
        className="danger"
        disabled={state !== 'ready' || isElsewhere}
        onClick={crash}
      >
        Crash the engine
      </button>
      <button type="button" className="danger" onClick={reload}>
        Reload
      </button>
      <button
        type="button"
        className="danger"
        disabled={!isRunning || willFail}
        onClick={onFailNext}
      >
        Make a batch fail
      </button>
      <p className="hint">
        {isElsewhere && 'The engine runs in another tab: crash it there. '}
        Or kill the tab, or the whole browser, and open this page again: the run goes on, and no
        committed batch is done twice.
      </p>
    </fieldset>
  )
}

function ProgressBar({ committed }: { committed: number | null }) {
  return (
    <div className="progress">
      <progress aria-label="Batches committed" value={committed ?? 0} max={BATCHES} />
      <span className="progress-text" data-testid="progress">
        {committed === null ? '–' : `${committed} of ${BATCHES}`}
      </span>
    </div>
  )
}

function message(view: View): string {
  switch (view.status) {
    case 'loading':
      return 'Looking for a run that was left unfinished…'
    case 'idle':
      return 'Nothing is at work. Press “Start”, and then do your worst.'
    case 'missing':
      return 'This run is not in the database any more.'
    case 'unavailable':
      return 'The engine cannot be reached; the note above says why.'
    case 'pending':
      return 'Waiting for the engine to start it.'
    case 'running':
    case 'waiting':
      return isResumed(view.run.startedAt)
        ? 'Resumed: this run was begun before the page was loaded.'
        : 'Each batch is committed before the next one starts.'
    case 'completed':
      return `All ${count(BATCHES)} batches are in.`
    case 'failed':
      return `${view.error.stepName ?? 'The job'}: ${view.error.message}`
    case 'cancelled':
      return 'Cancelled. Committed batches are kept: Retry goes on after them.'
  }
}

function isResumed(startedAt: number | null): boolean {
  return startedAt !== null && startedAt < performance.timeOrigin
}
