/** Panels of what a run waits for, of its children, and of signals. */
import { type ChildView, useRun, useRuns, useSignal } from '@stepwell/react'
import { useState } from 'react'
import { text } from './query.js'
import { useCommitRecord } from './react-commits.js'

export function WaitingPanel({ runId }: { runId: string | null }) {
  const { status, waitingFor, children, steps } = useRun(runId)
  useCommitRecord({
    panel: 'waiting',
    status,
    runId,
    isDisabled: false,
    progress: children.length,
  })
  return (
    <section aria-label="waiting">
      <p data-testid="waiting-status">{status}</p>
      <p data-testid="waiting-for">
        {waitingFor === null ? '' : `${waitingFor.kind} ${waitingFor.stepName ?? ''}`}
      </p>
      <p data-testid="waiting-steps">
        {steps.map(({ name, status, attempt }) => `${name}:${status}:${attempt}`).join(' ')}
      </p>
      <p data-testid="waiting-counts">{countsOf(children)}</p>
      <p data-testid="waiting-children">
        {children
          .slice(0, 20)
          .map(({ stepName, index, status }) => `${stepName}:${index}:${status}`)
          .join(' ')}
      </p>
      <Sender signalKey={waitingFor?.kind === 'signal' ? waitingFor.key : null} />
    </section>
  )
}

function countsOf(children: readonly ChildView[]): string {
  const counts = new Map<string, number>()
  for (const { status } of children) counts.set(status, (counts.get(status) ?? 0) + 1)
  return [...counts].map(([status, count]) => `${status} ${count}`).join(' ')
}

function Sender({ signalKey }: { signalKey: string | null }) {
  const { send, isSending, disposition, error } = useSignal(signalKey)
  return (
    <>
      <button type="button" onClick={() => send({ by: 'me' })}>
        Send
      </button>
      <button type="button" onClick={() => send(new RangeError('refused'))}>
        Send an error
      </button>
      <p data-testid="signal">
        {String(isSending)} {disposition ?? '-'} {error?.code ?? '-'}
      </p>
    </>
  )
}

/** Signals of any key that is written. */
export function SignalPanel() {
  const [key, setKey] = useState(text('signal-key') ?? '')
  return (
    <section aria-label="signal">
      <label>
        Key <input value={key} onChange={({ target }) => setKey(target.value)} />
      </label>
      <Sender signalKey={key === '' ? null : key} />
    </section>
  )
}

/** The children of a run, and the runs that have no parent. */
export function FamilyPanel({ runId }: { runId: string | null }) {
  const children = useRuns(runId === null ? { parent: 'none' } : { parent: runId })
  const roots = useRuns({ parent: null })
  const words = ({ runs }: typeof roots) =>
    runs.map(({ jobName, status }) => `${jobName}:${status}`).join(' ')
  return (
    <section aria-label="family">
      <p data-testid="family-children">{words(children)}</p>
      <p data-testid="family-roots">{words(roots)}</p>
    </section>
  )
}
