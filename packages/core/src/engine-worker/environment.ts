/** What a browser must have for the engine, and what to do where it is missing. */
import type { ErrorInfo } from '../generated/protocol.js'
import { BUILD_ID, type OpenEngine } from '../wire.js'

/** Why an engine cannot be opened here; `null` where nothing stands in the way. */
export function obstacle({ buildId, storage }: OpenEngine): ErrorInfo | null {
  if (buildId !== BUILD_ID) {
    return {
      code: 'protocol_mismatch',
      message: `The page runs Stepwell ${buildId} and its engine worker ${BUILD_ID}. Reload the page.`,
    }
  }
  return storage === 'memory' ? null : storageObstacle()
}

function storageObstacle(): ErrorInfo | null {
  if (!globalThis.isSecureContext) {
    return unavailable(
      'this page is not a secure context. Serve it over https, or from http://localhost',
    )
  }
  if (typeof navigator.storage?.getDirectory !== 'function') {
    return unavailable(
      'this browser has no origin private file system (OPFS). Use Chrome 109, Firefox 111, Safari 16.4 or newer, ' +
        'not in private mode',
    )
  }
  if (navigator.locks === undefined) {
    return unavailable(
      'this browser has no Web Locks. Use Chrome 69, Firefox 96, Safari 15.4 or newer',
    )
  }
  return null
}

function unavailable(why: string): ErrorInfo {
  return {
    code: 'storage_unavailable',
    message: `Nothing can be stored here: ${why}; or set storage: 'memory' to do without storage.`,
  }
}
