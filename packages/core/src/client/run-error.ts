/** A run's failure as an error to throw, where a caller asked for the output and nothing else. */
import type { RunFailure } from '../types.js'

export type RunError = Error & RunFailure & { readonly runId: string }

export function runError(runId: string, failure: RunFailure): RunError {
  const error = Object.assign(new Error(failure.message), { ...failure, runId })
  // A stack of this place would point at the library, not at the step that threw.
  if (failure.stack === undefined) error.stack = `${failure.name}: ${failure.message}`
  return error
}
