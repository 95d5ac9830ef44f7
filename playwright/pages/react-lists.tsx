/** Panels of lists, of parts of a run, and of a run behind Suspense. */
import type { RunStatus } from '@stepwell/core'
import { type UseRunsFilter, useRun, useRuns, useSuspenseRun } from '@stepwell/react'
import { Component, type ReactNode, Suspense, useRef, useState } from 'react'
import { text } from './query.js'
import { useCommitRecord } from './react-commits.js'

const STATUSES: readonly RunStatus[] = ['pending', 'running', 'completed', 'failed', 'cancelled']

/** Written anew in each render, as users write it. */
function filterOf(status: string): UseRunsFilter<'steps' | 'quick'> {
  const [labels, limit] = [text('list-labels'), text('list-limit')]
  const found = STATUSES.filter((each) => each === status)
  return {
    ...(found.length > 0 ? { status: found } : {}),
    ...(labels === null ? {} : { labels: JSON.parse(labels) }),
    ...(limit === null ? {} : { limit: Number(limit) }),
    ...(text('list-job') === 'steps' ? { job: ['steps'] } : {}),
  }
}

export function RunsPanel() {
  const [status, setStatus] = useState(text('list-status') ?? 'all')
  const list = useRuns(filterOf(status))
  const before = useRef(list.runs)
  const kept = list.runs.filter((run) => before.current.includes(run)).length
  before.current = list.runs
  useCommitRecord({
    panel: 'runs',
    status: list.status,
    runId: null,
    isDisabled: false,
    progress: list.runs.length,
  })
  return (
    <section aria-label="runs">
      <label>
        Status <input value={status} onChange={({ target }) => setStatus(target.value)} />
      </label>
      <button type="button" disabled={!list.hasNextPage} onClick={() => list.fetchNextPage()}>
        More
      </button>
      <p data-testid="runs-state">
        {list.status} {list.runs.length} {String(list.hasNextPage)} {list.error?.code ?? ''}
      </p>
      <p data-testid="runs-kept">{kept}</p>
      <ol data-testid="runs">
        {list.runs.map((run) => (
          <li key={run.id} data-id={run.id}>
            {run.jobName} {run.status} {run.labels['n'] ?? ''} {run.progress?.current ?? ''}
          </li>
        ))}
      </ol>
    </section>
  )
}

/** Only the status: progress and steps are none of its business. */
export function SelectPanel({ runId }: { runId: string | null }) {
  const status = useRun(runId, { select: (view) => view.status })
  useCommitRecord({ panel: 'select', status, runId, isDisabled: false, progress: null })
  return <p data-testid="select-status">{status}</p>
}

interface BoundaryState {
  readonly error: { readonly code: string } | null
}

/** What users write around a component that may throw. */
class Boundary extends Component<{ children: ReactNode }, BoundaryState> {
  override state: BoundaryState = { error: null }

  static getDerivedStateFromError(error: unknown): BoundaryState {
    const hasCode = typeof error === 'object' && error !== null && 'code' in error
    return { error: { code: hasCode ? String(error.code) : String(error) } }
  }

  override render() {
    if (this.state.error === null) return this.props.children
    return (
      <p>
        <span data-testid="suspense-error">{this.state.error.code}</span>
        <button type="button" onClick={() => this.setState({ error: null })}>
          Try again
        </button>
      </p>
    )
  }
}

function SuspendedRun({ runId }: { runId: string }) {
  const view = useSuspenseRun(runId)
  useCommitRecord({
    panel: 'suspense',
    status: view.status,
    runId,
    isDisabled: false,
    progress: view.progress?.current ?? null,
  })
  return <p data-testid="suspense-status">{view.status}</p>
}

export function SuspensePanel({ runId }: { runId: string }) {
  return (
    <Boundary>
      <Suspense fallback={<p data-testid="suspense-fallback">reading</p>}>
        <SuspendedRun runId={runId} />
      </Suspense>
    </Boundary>
  )
}
