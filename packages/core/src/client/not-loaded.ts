/** Why a part of the library that a page loads when it needs it is not there. */
import { errorText, StepwellError } from '../errors.js'

export function notLoaded(what: string, reason: unknown): StepwellError {
  return new StepwellError(
    'faulted',
    `${what} could not be loaded: ${errorText(reason)}. Reload the page: there may be a newer version of it, or no ` +
      'connection.',
    { cause: reason },
  )
}
