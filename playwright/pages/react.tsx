/** The hooks on a page; the query string says which. `window.commits` has what React put on the screen, in order. */
import { createStepwell } from '@stepwell/core'
import { StepwellProvider, useStepwell, useStepwellStatus } from '@stepwell/react'
import { lazy, StrictMode, Suspense, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { jobs } from './jobs.js'
import { startLoad } from './load.js'
import { gate } from './outside.js'
import { clientOptions, flag, text } from './query.js'
import { countFrames } from './react-commits.js'
import { RunsPanel, SelectPanel, SuspensePanel } from './react-lists.js'
import { JobPanel, LogsPanel, RunPanel } from './react-panels.js'
import { FamilyPanel, SignalPanel, WaitingPanel } from './react-waiting.js'
import { expose } from './window.js'

const worker = () => new Worker(new URL('./jobs.ts', import.meta.url), { type: 'module' })
const client = createStepwell({ jobs, ...clientOptions(worker) })
expose(client)
countFrames()
const load = text('load')
if (load !== null) startLoad(client, load)

function StatusChip() {
  const { state, role, storage } = useStepwellStatus()
  return (
    <p data-testid="status">
      {state} {role} {storage}
    </p>
  )
}

function StoragePanel() {
  const { storage, quota, paused, loss } = useStepwellStatus()
  const stepwell = useStepwell()
  const [answer, setAnswer] = useState('')
  const persist = () => stepwell.persist().then((isKept) => setAnswer(String(isKept)))
  return (
    <p data-testid="storage">
      {storage}, of {quota?.quota ?? 'unknown'} {quota?.usage ?? 'unknown'} used
      {paused === null ? '' : `, paused: ${paused.code}`}
      {loss === null ? '' : `, lost: ${loss.kind}`}
      <button type="button" onClick={persist}>
        Persist
      </button>
      <output>{answer}</output>
    </p>
  )
}

/** Suspends its boundary until the test opens the gate. */
const Late = lazy(async () => {
  await gate(`${text('db')}-late`)
  return { default: () => <p>here at last</p> }
})

function Panels() {
  const [isShown, setShown] = useState(true)
  const [runId, setRunId] = useState(text('run'))
  const [isLate, setLate] = useState(false)
  return (
    <>
      <button type="button" onClick={() => setShown(!isShown)}>
        {isShown ? 'Unmount' : 'Mount'}
      </button>
      <label>
        Run <input value={runId ?? ''} onChange={({ target }) => setRunId(target.value || null)} />
      </label>
      <button type="button" onClick={() => setLate(true)}>
        Suspend
      </button>
      <Suspense fallback={<p>suspended</p>}>
        {isLate && <Late />}
        {isShown && flag('job-panel') && <JobPanel />}
        {isShown && flag('second-panel') && <JobPanel panel="second" />}
      </Suspense>
      {isShown && flag('run-panel') && <RunPanel runId={runId} />}
      {isShown && flag('logs-panel') && <LogsPanel runId={runId} />}
      {isShown && flag('runs-panel') && <RunsPanel />}
      {isShown && flag('select-panel') && <SelectPanel runId={runId} />}
      {isShown && flag('waiting-panel') && <WaitingPanel runId={runId} />}
      {isShown && flag('family-panel') && <FamilyPanel runId={runId} />}
      {isShown && flag('signal-panel') && <SignalPanel />}
      {isShown && flag('storage-panel') && <StoragePanel />}
      {isShown && flag('suspense-panel') && runId !== null && <SuspensePanel runId={runId} />}
    </>
  )
}

const app = (
  <StepwellProvider client={client}>
    <StatusChip />
    <Panels />
  </StepwellProvider>
)
const root = document.getElementById('root')
if (root === null) throw new Error('the page has no #root')
createRoot(root).render(flag('strict') ? <StrictMode>{app}</StrictMode> : app)
