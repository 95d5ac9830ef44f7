/** What the page must have, told in a sentence where it has not. */
import { StepwellError } from '../errors.js'
import type { StorageMode } from '../wire.js'

export function serverError(): StepwellError {
  return new StepwellError(
    'storage_unavailable',
    'There is no engine here: jobs run in a browser. Call this from an effect or an event handler, not on a server.',
  )
}

/** Why the engine cannot run in this page; `null` where nothing is in the way. */
export function pageObstacle(storage: StorageMode): StepwellError | null {
  if (storage === 'memory') return null
  if (!globalThis.isSecureContext) {
    return unavailable(
      `This page is not a secure context (${location.origin}), and browsers give durable storage to those only. ` +
        'Serve it over https, or from localhost.',
    )
  }
  if (navigator.locks === undefined) {
    return unavailable(
      'This browser has no Web Locks. Use a current Chrome, Edge, Firefox or Safari.',
    )
  }
  if (navigator.storage?.getDirectory === undefined) {
    return unavailable(
      'This browser has no origin private file system (OPFS). Use a current Chrome, Edge, Firefox or Safari, and leave ' +
        "private browsing; or create the client with storage: 'memory', which keeps nothing.",
    )
  }
  return null
}

function unavailable(message: string): StepwellError {
  return new StepwellError('storage_unavailable', message)
}
