/** Counts lost engines: a crash is survived, a crash that comes again and again is not. */
import { StepwellError } from '../errors.js'

const FAULTS_MAX = 3
const WITHIN_MS = 60_000

export interface Faults {
  /** @returns whether this was one too many. */
  add(nowMs: number): boolean
}

export function createFaults(): Faults {
  let times: number[] = []
  return {
    add(nowMs) {
      times = [...times.filter((time) => nowMs - time < WITHIN_MS), nowMs]
      return times.length >= FAULTS_MAX
    },
  }
}

export function faultedError(lastMessage: string): StepwellError {
  return new StepwellError(
    'faulted',
    `The engine crashed ${FAULTS_MAX} times within ${WITHIN_MS / 1000} s and was stopped. Nothing that was ` +
      `acknowledged is lost: exportDatabase() has it. Reload the page to start again. The last crash: ${lastMessage}`,
  )
}
