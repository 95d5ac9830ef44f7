/** `observeRuns`: the core of `useRuns`. */
import { RUNS_LIMIT } from '../client/filters.js'
import type { RegisteredJobs } from '../client/register.js'
import type { Stepwell } from '../client/types.js'
import type { RunFilter } from '../generated/protocol.js'
import type { AnyJob, Resolve } from '../infer.js'
import { LOADING_RUNS, type RunsQuery, runsEntry } from './runs-entry.js'
import type { ObserveRunsFilter, Observer, RunsView } from './types.js'

/**
 * Observes the runs that fit a filter, newest first; observers of the same filter share what they show, with the pages
 * that any of them asked for.
 */
export function observeRuns<const R extends AnyJob | string, U extends AnyJob = RegisteredJobs>(
  client: Pick<Stepwell, '~core'>,
  filter?: ObserveRunsFilter<R>,
): Observer<RunsView<Resolve<U, R>>>
export function observeRuns(client: Pick<Stepwell, '~core'>, filter: object = {}): unknown {
  const core = client['~core']
  const query = queryOf(core.checkRunFilter(filter, 'useRuns'))
  const observer: Observer<RunsView> = {
    get: () => runsEntry(core, query).get(),
    subscribe: (listener) => runsEntry(core, query).subscribe(listener),
    getServer: () => LOADING_RUNS,
  }
  return observer
}

function queryOf(filter: RunFilter): RunsQuery {
  const { jobNames = [], statuses = [], labels = {}, createdAfter, createdBefore } = filter
  const { parentId, rootsOnly = false, limit = RUNS_LIMIT } = filter
  const lists = [[...jobNames].sort(), [...statuses].sort(), Object.entries(labels).sort()]
  const times = [createdAfter ?? null, createdBefore ?? null]
  const key = JSON.stringify([lists, times, parentId ?? null, rootsOnly, limit])
  const wanted = { jobNames, statuses, labels, createdAfter, createdBefore, parentId, rootsOnly }
  return { ...wanted, limit, key }
}
