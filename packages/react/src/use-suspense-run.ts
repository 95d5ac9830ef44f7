'use client'
import {
  type AnyJob,
  type LoadedRunView,
  observeRun,
  type RegisteredJobs,
  type RunView,
  type StepwellError,
} from '@stepwell/core'
import { useMemo, useSyncExternalStore } from 'react'
import { checkRunId, checkSelectOptions } from './check.js'
import { useClient } from './context.js'
import { useSelected } from './use-observer.js'

export interface UseSuspenseRunOptions<J extends AnyJob, V> {
  /** What the component needs of the run: it renders again only when this changes (by `Object.is`). */
  readonly select: (view: LoadedRunView<J>) => V
}

/**
 * A run, live, for a component below a `<Suspense>`: suspends until it was read, so that `status` is never `'loading'` or
 * `'idle'`. Where the engine cannot be reached it throws the `StepwellError` to the nearest error boundary; a boundary that
 * is reset renders again and finds what is then. A run that is not there is `'missing'`; one that failed throws nothing.
 *
 * On a server there is nothing to wait for: it throws at once, React sends the `<Suspense>`'s fallback and renders the
 * component in the browser. Without a `<Suspense>` around it the server's render fails.
 */
export function useSuspenseRun<J extends AnyJob = RegisteredJobs>(runId: string): LoadedRunView<J>
export function useSuspenseRun<J extends AnyJob = RegisteredJobs, V = unknown>(
  runId: string,
  options: UseSuspenseRunOptions<J, V>,
): V
export function useSuspenseRun(
  runId: string,
  options?: UseSuspenseRunOptions<AnyJob, unknown>,
): unknown {
  checkRunId(runId, 'useSuspenseRun')
  checkSelectOptions(options, 'useSuspenseRun')
  const client = useClient('useSuspenseRun()')
  const observer = useMemo(() => observeRun<AnyJob>(client, runId), [client, runId])
  const select = options?.select
  const obstacle = useSyncExternalStore(
    observer.subscribe,
    () => obstacleOf(observer.get()),
    onServer,
  )
  const selectLoaded = useMemo(() => loadedOnly(select ?? whole), [select])
  const selected = useSelected(observer, selectLoaded)
  if (obstacle === 'server') throw new Error(SERVER)
  if (obstacle === 'loading') throw observer.loaded()
  if (obstacle !== null) throw obstacle
  return selected
}

const SERVER =
  'useSuspenseRun() shows what the browser stores, and there is nothing to show on a server. Put a <Suspense> around the ' +
  'component: its fallback is sent, and the browser renders the component.'

/** Why nothing can be shown; `null` where something can. */
type Obstacle = 'server' | 'loading' | StepwellError | null

const onServer = (): Obstacle => 'server'
const whole = (view: LoadedRunView): unknown => view

function obstacleOf(view: RunView): Obstacle {
  if (isLoaded(view)) return null
  return view.status === 'unavailable' ? view.error : 'loading'
}

function isLoaded(view: RunView): view is LoadedRunView {
  const { status } = view
  return status !== 'loading' && status !== 'idle' && status !== 'unavailable'
}

function loadedOnly<V>(select: (view: LoadedRunView) => V): (view: RunView) => V | undefined {
  return (view) => (isLoaded(view) ? select(view) : undefined)
}
