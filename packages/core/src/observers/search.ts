/** Which run a hook shows when nobody named one: the newest active run of its job. */
import type { ClientCore } from '../client/core.js'
import { type StepwellError, toStepwellError } from '../errors.js'
import { runCache } from './run-entry.js'
import { obstacleOf } from './view.js'

export interface Search {
  /** Asks the engine, unless it is being asked or the question is settled. */
  start(): void
  /** Somebody said which run to show. */
  settle(): void
  readonly isSettled: boolean
  /** Why the engine refused the question. */
  readonly error: StepwellError | null
}

export function createSearch(
  core: ClientCore,
  jobName: string,
  isWanted: boolean,
  onAnswer: (runId: string | null) => void,
  onRefused: () => void,
): Search {
  let isSettled = !isWanted
  let isAsking = false
  let error: StepwellError | null = null
  const settle = () => {
    isSettled = true
    error = null
  }
  const ask = async () => {
    const { runs } = await core.getRuns({
      job: jobName,
      status: ['pending', 'running', 'waiting'],
      limit: 1,
    })
    return runs[0]?.id ?? null
  }
  return {
    start() {
      if (isSettled || isAsking) return
      isAsking = true
      ask().then(
        (found) => {
          isAsking = false
          // What was triggered in the meantime is newer.
          if (!isSettled) onAnswer(found)
        },
        (reason: unknown) => {
          isAsking = false
          // While the connection itself is down its status says why, and a reset asks again.
          error = obstacleOf(core.status.get()) === null ? toStepwellError(reason) : null
          // Not an answer: a tab that waits for its turn must ask once it has it.
          if (!isSettled) onRefused()
        },
      )
    },
    settle,
    get isSettled() {
      return isSettled
    },
    get error() {
      return error
    },
  }
}

/** The newest active run of a job that other components of this page show, or showed a moment ago. */
export function shownActiveRun(core: ClientCore, jobName: string): string | null {
  let newest: string | null = null
  for (const parts of runCache(core).values()) {
    const { run, isActive } = parts.get()
    if (!isActive || run === null || run.jobName !== jobName) continue
    // Ids sort by creation.
    if (newest === null || run.id > newest) newest = run.id
  }
  return newest
}
