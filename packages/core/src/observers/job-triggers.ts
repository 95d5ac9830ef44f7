/** The triggers of one hook. The latest call wins: an earlier one is shown only until then, and its failure is not. */
import type { UntypedTriggered } from '../client/core.js'
import { type StepwellError, toStepwellError } from '../errors.js'

export interface Triggers {
  begin(call: () => Promise<UntypedTriggered>): Promise<UntypedTriggered>
  /** What is under way goes on, and is no longer shown. */
  forget(): void
  /** The latest call, until it is answered. */
  readonly inFlight: Promise<UntypedTriggered> | null
  /** Why the latest call failed. */
  readonly error: StepwellError | null
}

export function createTriggers(on: {
  onChange(): void
  onTriggered(triggered: UntypedTriggered): void
}): Triggers {
  let latestCall = 0
  let shownCall = 0
  let inFlight: Promise<UntypedTriggered> | null = null
  let error: StepwellError | null = null
  return {
    async begin(call) {
      latestCall += 1
      const number = latestCall
      error = null
      const promise = call()
      inFlight = promise
      on.onChange()
      try {
        const triggered = await promise
        if (number > shownCall) {
          shownCall = number
          on.onTriggered(triggered)
        }
        return triggered
      } catch (reason) {
        if (inFlight === promise) error = toStepwellError(reason)
        throw reason
      } finally {
        if (inFlight === promise) {
          inFlight = null
          on.onChange()
        }
      }
    },
    forget() {
      shownCall = latestCall
      inFlight = null
      error = null
    },
    get inFlight() {
      return inFlight
    },
    get error() {
      return error
    },
  }
}
