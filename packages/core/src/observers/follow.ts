/**
 * `followLatest`: tells of runs that are triggered elsewhere, by another hook, a `retrigger` or the client itself, and are
 * newer than what the hook shows.
 *
 * Events tell of them. What came while nobody listened, or over a reset, is asked for: against the newest run that there
 * was when the hook began to follow, for an old run must not come up because it is the newest that is left.
 */
import type { ClientCore } from '../client/core.js'
import type { RunEvent } from '../generated/protocol.js'
import type { JobRuns } from './job-options.js'
import { isOwn, newestRun } from './newest.js'
import { hasLabels } from './runs-filter.js'

export interface Follower {
  /** Follows until the returned function is called. */
  start(): () => void
  /** The hook shows that run now. */
  shown(runId: string): void
}

export function createFollower(
  core: ClientCore,
  runs: JobRuns,
  onNewer: (runId: string) => void,
): Follower {
  /** Runs up to this one are known, and not followed. */
  let newest = ''
  /** The same for what is asked for; `null` before the first answer. */
  let baseline: string | null = null
  let isAsking = false

  const follow = (runId: string) => {
    if (runId <= newest) return
    newest = runId
    onNewer(runId)
  }
  const isOfHook = ({ type, jobName, labels, parentId }: RunEvent) =>
    type === 'run:trigger' &&
    parentId === undefined &&
    jobName === runs.jobName &&
    hasLabels(labels, runs.labels)
  const onEvent = (event: RunEvent) => {
    if (!isOfHook(event)) return
    if (runs.concurrencyKey === undefined) return follow(event.runId)
    // Events do not carry the key. A read that fails is made up for by the next reset.
    core.getRun(event.runId).then(
      (run) => {
        if (run !== null && isOwn(run, runs)) follow(run.id)
      },
      () => undefined,
    )
  }
  const ask = async () => {
    if (baseline === null) {
      const { jobName } = runs
      const { runs: found } = await core.getRuns({ job: jobName, parent: null, limit: 1 })
      baseline = found[0]?.id ?? ''
      return
    }
    const after = newest > baseline ? newest : baseline
    const found = await newestRun(core, runs, 'all', after)
    if (found === null) return
    baseline = found
    follow(found)
  }
  const catchUp = () => {
    if (isAsking) return
    isAsking = true
    // While nobody answers the connection's status says why, and a reset asks again.
    ask()
      .catch(() => undefined)
      .finally(() => {
        isAsking = false
      })
  }
  return {
    start() {
      const { connection } = core
      const offs = [
        connection.onEvents((events) => events.forEach(onEvent)),
        connection.onReset(catchUp),
      ]
      catchUp()
      return () => {
        for (const off of offs) off()
      }
    },
    shown(runId) {
      if (runId > newest) newest = runId
    },
  }
}
