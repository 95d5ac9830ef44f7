/** Shape checks of what arrives: foreign messages are ignored, and never reach the engine. */

import { type Fields, hasFields, isListOf, isObject, isText } from '../shapes.js'
import type { FromExecutor, ToEngineWorker } from '../wire.js'
import { isEnvelope, isNewBlob, isRequest } from './shapes.js'

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

const RESCUE: Fields = {
  requestId: 'string',
  database: 'string',
  isDamaged: 'boolean',
  blobs: 'boolean',
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
    case 'stepwell:replace-executor':
      return hasFields(data, { executorId: 'string' })
    case 'stepwell:requests':
      return isListOf(data, 'requests', isRequest) && isListOf(data, 'blobs', isNewBlob)
    case 'stepwell:read-blob':
      return hasFields(data, { id: 'string' })
    case 'stepwell:export':
      return hasFields(data, { requestId: 'string', blobs: 'boolean' })
    case 'stepwell:rescue':
      return hasFields(data, RESCUE) && isTextOrNull(Reflect.get(data, 'wasmUrl'))
    case 'stepwell:import':
      return hasFields(data, { requestId: 'string' }) && 'file' in data && data.file instanceof Blob
    case 'stepwell:network':
      return hasFields(data, { isOnline: 'boolean' })
    case 'stepwell:prepare':
      return isTextOrNull(Reflect.get(data, 'wasmUrl'))
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

function isTextOrNull(value: unknown): boolean {
  return value === null || typeof value === 'string'
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
