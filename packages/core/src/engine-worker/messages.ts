/** Shape checks of what arrives: foreign messages are ignored, and never reach the engine. */
import type { FromExecutor, ToEngineWorker } from '../wire.js'
import {
  type Fields,
  hasFields,
  isEnvelope,
  isListOf,
  isNewBlob,
  isObject,
  isRequest,
  isText,
} from './shapes.js'

const OPEN: Fields = {
  buildId: 'string',
  database: 'string',
  durability: 'string',
  storage: 'string',
  expectedExecutors: 'number',
  payloadBytesMax: 'number',
  clientId: 'string',
  wasOpenedBefore: 'boolean',
}

/** Whether a message is one of the page's. */
export function isToEngineWorker(data: unknown): data is ToEngineWorker {
  if (!isObject(data) || !('type' in data)) return false
  switch (data.type) {
    case 'stepwell:open':
      return hasFields(data, OPEN) && isListOf(data, 'jobs', isText)
    case 'stepwell:executor':
      return (
        hasFields(data, { executorId: 'string' }) &&
        'port' in data &&
        data.port instanceof MessagePort
      )
    case 'stepwell:requests':
      return isListOf(data, 'requests', isRequest) && isListOf(data, 'blobs', isNewBlob)
    case 'stepwell:read-blob':
      return hasFields(data, { id: 'string' })
    case 'stepwell:export':
      return hasFields(data, { requestId: 'string', blobs: 'boolean' })
    case 'stepwell:import':
      return hasFields(data, { requestId: 'string' }) && 'file' in data && data.file instanceof Blob
    case 'stepwell:network':
      return hasFields(data, { isOnline: 'boolean' })
    case 'stepwell:prepare':
      return 'wasmUrl' in data && (data.wasmUrl === null || typeof data.wasmUrl === 'string')
    case 'stepwell:jobs':
      return isListOf(data, 'jobs', isText)
    case 'stepwell:release':
      return hasFields(data, { drainMs: 'number' })
    case 'stepwell:tick':
    case 'stepwell:yield':
    case 'stepwell:panic':
      return true
    default:
      return false
  }
}

/** Whether a message of an executor's port is one. */
export function isFromExecutor(data: unknown): data is FromExecutor {
  if (!isObject(data) || !('type' in data)) return false
  switch (data.type) {
    case 'stepwell:envelopes':
      return isListOf(data, 'envelopes', isEnvelope) && isListOf(data, 'blobs', isNewBlob)
    case 'stepwell:read-blob':
      return hasFields(data, { id: 'string' })
    default:
      return false
  }
}
