/** How long a job's function may be at work in an attempt; what it waits is not counted. */
import { StepwellError } from '../errors.js'
import { type Execution, fireSignals } from './execution.js'
import { GRACE_MS, startLimit } from './time-limit.js'

export interface RunLimit {
  /** The function is at work, and has so much left; `undefined`: no limit. */
  readonly start: (ms: number | undefined) => void
  /** It waits, or has ended. */
  readonly stop: () => void
  /** Why its signal fired, where that was for its timeout. */
  readonly reached: () => StepwellError | null
}

export function createRunLimit(execution: Execution): RunLimit {
  const { runId, jobName } = execution.assignment
  let reached: StepwellError | null = null
  let stop: () => void = () => undefined
  return {
    start(ms) {
      stop()
      if (ms === undefined) return
      const error = (rest: string) =>
        new StepwellError(
          'timeout',
          `The function of run ${runId} (job "${jobName}") did not end within its timeout${rest}. Hand step.signal to ` +
            'what takes long, or give the job more time.',
        )
      stop = startLimit(ms, {
        onTime() {
          reached = error('')
          fireSignals(execution, reached)
        },
        onOver: () => execution.fail(error(`, nor in the ${GRACE_MS} ms after its signal`)),
      })
    },
    stop: () => stop(),
    reached: () => reached,
  }
}
