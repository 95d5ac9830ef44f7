'use client'
import {
  type AnyJob,
  type ObserveRunsFilter,
  observeRuns,
  type RegisteredJobs,
  type Resolve,
  type RunsView,
} from '@stepwell/core'
import { useMemo } from 'react'
import { useClient } from './context.js'
import { useObserver } from './use-observer.js'
import { useStable } from './use-stable.js'

export type UseRunsFilter<R> = ObserveRunsFilter<R>

/**
 * The runs that fit a filter, newest first, live. `limit` (default 50) is the size of a page: the list has the newest so
 * many runs, and `fetchNextPage` makes it longer by a page. A run that comes to fit appears, one that no longer fits goes,
 * and nothing is read again for what an event tells.
 *
 * A filter that says the same is the same filter, however often it is written. One that is another one in each render, such as
 * `createdAfter: Date.now() - 86_400_000`, never comes to rest: keep the time in a state.
 */
export function useRuns<const R extends AnyJob | RegisteredJobs['name'] = RegisteredJobs>(
  filter?: UseRunsFilter<R>,
): RunsView<Resolve<RegisteredJobs, R>>
export function useRuns(filter: UseRunsFilter<AnyJob | string> = NO_FILTER): unknown {
  const client = useClient('useRuns()')
  const stable = useStable(filter)
  return useObserver(useMemo(() => observeRuns(client, stable), [client, stable]))
}

const NO_FILTER = {}
