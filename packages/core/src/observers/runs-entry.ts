/** A list of runs as all components that ask for it see it. */
import type { ClientCore } from '../client/core.js'
import { createCaches } from './cache.js'
import type { RunsWanted } from './runs-filter.js'
import type { RunsParts } from './runs-parts.js'
import type { RunsView } from './types.js'

export interface RunsQuery extends RunsWanted {
  readonly limit: number
  /** The same for the same runs. */
  readonly key: string
}

type RunsFunctions = Pick<RunsView, 'fetchNextPage'>
export type RunsState = Omit<RunsView, keyof RunsFunctions>

export const NO_RUNS: RunsView['runs'] = Object.freeze([])
const EARLY = { runs: NO_RUNS, hasNextPage: false, isFetchingNextPage: false }
export const LOADING_RUNS: RunsView = Object.freeze({
  ...EARLY,
  status: 'loading',
  error: null,
  fetchNextPage: () => Promise.resolve(),
})

const cache = createCaches<RunsState, RunsFunctions, RunsParts>()

export function runsEntry(core: ClientCore, query: RunsQuery) {
  return cache(core).entry(query.key, () => ({
    early: (error) => ({ ...EARLY, status: error === null ? 'loading' : 'unavailable', error }),
    functions: (parts) => ({ fetchNextPage: () => parts()?.fetchNextPage() ?? Promise.resolve() }),
    parts: ({ parts }, changed) => parts.runs(query, changed),
  }))
}
