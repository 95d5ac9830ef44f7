/** One panel a hook: everything the hook says as text, everything it does as a button. */
import type { AnyJob } from '@stepwell/core'
import { type UseJobOptions, useJob, useRun, useRunLogs } from '@stepwell/react'
import { useRef, useState } from 'react'
import * as definitions from './definitions.js'
import { flag, text } from './query.js'
import { useCommitRecord } from './react-commits.js'

const job: AnyJob =
  Object.values(definitions).find((item) => 'name' in item && item.name === text('job')) ??
  definitions.steps

interface Shown {
  readonly status: string
  readonly error?: { readonly name: string; readonly message: string } | undefined
  readonly output?: unknown
  readonly progress: { readonly current: number } | null
  readonly steps: readonly { readonly name: string; readonly status: string }[]
}

function Facts({ panel, shown }: { panel: string; shown: Shown }) {
  return (
    <dl aria-label={panel}>
      <dd data-testid={`${panel}-status`}>{shown.status}</dd>
      <dd data-testid={`${panel}-error`}>
        {shown.error === undefined ? '' : `${shown.error.name}: ${shown.error.message}`}
      </dd>
      <dd data-testid={`${panel}-output`}>
        {shown.output === undefined ? '' : JSON.stringify(shown.output)}
      </dd>
      <dd data-testid={`${panel}-progress`}>{shown.progress?.current ?? ''}</dd>
      <dd data-testid={`${panel}-steps`}>
        {shown.steps.map(({ name, status }) => `${name}:${status}`).join(' ')}
      </dd>
    </dl>
  )
}

/** What the address says of the hook: `labels` is JSON, `key` a concurrency key. */
function jobOptions(): UseJobOptions {
  const [labels, key, runId] = [text('labels'), text('key'), text('initial-run')]
  return {
    autoResume: !flag('no-resume'),
    followLatest: flag('follow'),
    ...(labels === null ? {} : { labels: JSON.parse(labels) }),
    ...(key === null ? {} : { concurrencyKey: key }),
    ...(runId === null ? {} : { initialRunId: runId }),
    // Another one in each render, as users write it: it must not make the hook begin anew.
    ...(flag('delayed') ? { startAt: Date.now() + 3000 } : {}),
  }
}

export function JobPanel({ panel = 'job' }: { panel?: string }) {
  const view = useJob(job, jobOptions())
  const [input, setInput] = useState('{}')
  const isDisabled = view.isLoading || view.isActive
  const { trigger, reset, cancel, retry, retrigger } = view
  const changed = useIdentityChanges(trigger, reset, cancel, retry, retrigger)
  useCommitRecord({
    panel,
    status: view.status,
    runId: view.runId,
    isDisabled,
    progress: view.progress?.current ?? null,
  })
  return (
    <section aria-label={panel}>
      <label>
        Input
        <input value={input} onChange={({ target }) => setInput(target.value)} />
      </label>
      <button
        type="button"
        disabled={isDisabled}
        onClick={() => {
          // Nobody awaits it, as in most handlers: a rejection must not become an unhandled one.
          view.trigger(JSON.parse(input))
        }}
      >
        Trigger
      </button>
      <button type="button" onClick={() => view.trigger(JSON.parse(input))}>
        Trigger anyway
      </button>
      <button type="button" onClick={() => view.cancel()}>
        Cancel
      </button>
      <button type="button" onClick={() => view.retry()}>
        Retry
      </button>
      <button type="button" onClick={() => view.retrigger()}>
        Retrigger
      </button>
      <button type="button" onClick={() => view.reset()}>
        Reset
      </button>
      <p data-testid={`${panel}-run`}>{view.runId ?? ''}</p>
      <p data-testid={`${panel}-trigger-error`}>{view.triggerError?.code ?? ''}</p>
      <p data-testid={`${panel}-identity-changes`}>{changed}</p>
      <Facts panel={panel} shown={view} />
    </section>
  )
}

/** How often one of the functions has changed since the first render. */
function useIdentityChanges(...functions: readonly unknown[]): number {
  const first = useRef(functions)
  return functions.filter((each, i) => each !== first.current[i]).length
}

export function RunPanel({ runId }: { runId: string | null }) {
  const view = useRun(runId)
  const [fresh, setFresh] = useState('')
  useCommitRecord({
    panel: 'run',
    status: view.status,
    runId,
    isDisabled: false,
    progress: view.progress?.current ?? null,
  })
  return (
    <section>
      <button type="button" onClick={() => view.cancel()}>
        Cancel run
      </button>
      <button
        type="button"
        onClick={async () => {
          const { id } = await view.retrigger()
          setFresh(id)
        }}
      >
        Retrigger run
      </button>
      <p data-testid="run-fresh">{fresh}</p>
      <Facts panel="run" shown={view} />
    </section>
  )
}

export function LogsPanel({ runId }: { runId: string | null }) {
  const view = useRunLogs(runId, { limit: Number(text('log-limit') ?? 1000) })
  useCommitRecord({
    panel: 'logs',
    status: view.status,
    runId,
    isDisabled: false,
    progress: view.logs.length + view.droppedCount,
  })
  return (
    <section>
      <p data-testid="logs-state">
        {view.status} {view.logs.length} {view.droppedCount} {String(view.hasOlder)}
      </p>
      <button type="button" onClick={() => view.loadOlder()}>
        Load older
      </button>
      <button type="button" onClick={() => view.clear()}>
        Clear
      </button>
      <ol data-testid="logs">
        {(flag('only-last') ? view.logs.slice(-1) : view.logs).map((line) => (
          <li key={line.id}>
            {line.level} {line.stepName ?? '-'} {line.message}
          </li>
        ))}
      </ol>
    </section>
  )
}
