/** Which run a hook shows when nobody named one: the newest active run of its job, labels and key. */
import type { ClientCore } from '../client/core.js'
import { type StepwellError, toStepwellError } from '../errors.js'
import type { JobRuns } from './job-options.js'
import { newestRun } from './newest.js'
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
  runs: JobRuns,
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
  return {
    start() {
      if (isSettled || isAsking) return
      isAsking = true
      newestRun(core, runs, 'active').then(
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
