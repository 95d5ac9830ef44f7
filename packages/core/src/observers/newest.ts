/** The newest run that a hook takes for its own, among those of the engine or of this page. */
import type { UntypedRun } from '../client/convert.js'
import type { ClientCore } from '../client/core.js'
import type { RunStatus } from '../generated/protocol.js'
import type { JobRuns } from './job-options.js'
import { runCache } from './run-entry.js'
import { hasLabels } from './runs-filter.js'

const ACTIVE: readonly RunStatus[] = ['pending', 'running', 'waiting']
/** The engine filters by labels and not by concurrency key: that takes reading. */
const PAGE = 100

/** A child is its parent's: nobody triggered it. */
export function isOwn(run: UntypedRun, { jobName, labels, concurrencyKey }: JobRuns): boolean {
  if (run.parentId !== null) return false
  if (run.jobName !== jobName || !hasLabels(run.labels, labels)) return false
  return concurrencyKey === undefined || run.concurrencyKey === concurrencyKey
}

/** The id of the newest run of all, or of the active ones; `null` for none that is newer than `after`. */
export async function newestRun(
  core: ClientCore,
  runs: JobRuns,
  which: 'all' | 'active',
  after = '',
): Promise<string | null> {
  const { jobName, labels, concurrencyKey } = runs
  const wanted = {
    job: jobName,
    parent: null,
    ...(which === 'active' ? { status: ACTIVE } : {}),
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
    limit: concurrencyKey === undefined ? 1 : PAGE,
  }
  const filter = core.checkRunFilter(wanted, 'useJob')
  let cursor: string | null = null
  do {
    const page = await core.readRuns(cursor === null ? filter : { ...filter, cursor })
    for (const run of page.runs) {
      // Ids sort by creation.
      if (run.id <= after) return null
      if (isOwn(run, runs)) return run.id
    }
    cursor = page.nextCursor
  } while (cursor !== null)
  return null
}

/** The newest active run that other components of this page show, or showed a moment ago. */
export function shownActiveRun(core: ClientCore, runs: JobRuns): string | null {
  let newest: string | null = null
  for (const entry of runCache(core).values()) {
    const { run, isActive } = entry.get()
    if (!isActive || run === null || !isOwn(run, runs)) continue
    if (newest === null || run.id > newest) newest = run.id
  }
  return newest
}
