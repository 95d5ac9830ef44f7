/** A run's failure as an error to throw, where a caller asked for the output and nothing else. */
import type { FailureCause, RunFailure } from '../types.js'

export type RunError = Error & RunFailure & { readonly runId: string }

export function runError(runId: string, failure: RunFailure): RunError {
  const thrown = new Error(failure.message, optionsOf(failure.causes))
  const error = Object.assign(thrown, { ...failure, runId })
  // A stack of this place would point at the library, not at the step that threw.
  if (failure.stack === undefined) error.stack = `${failure.name}: ${failure.message}`
  return error
}

function optionsOf([cause, ...inner]: readonly FailureCause[]): ErrorOptions {
  if (cause === undefined) return {}
  const error = new Error(cause.message, optionsOf(inner))
  error.name = cause.name
  error.stack = `${cause.name}: ${cause.message}`
  return { cause: error }
}
