/** Shape checks of what arrives: foreign messages are ignored, and never reach the engine. */
import type { FromExecutor, ToEngineWorker } from '../wire.js'

type Fields = Readonly<Record<string, 'string' | 'number' | 'boolean'>>

const OPEN: Fields = {
  buildId: 'string',
  database: 'string',
  durability: 'string',
  storage: 'string',
  expectedExecutors: 'number',
  payloadBytesMax: 'number',
  clientId: 'string',
}

/** Whether a message is one of the page's. */
export function isToEngineWorker(data: unknown): data is ToEngineWorker {
  if (!isObject(data) || !('type' in data)) return false
  switch (data.type) {
    case 'stepwell:open':
      return hasFields(data, OPEN) && isListOf(data, 'jobs', (job) => typeof job === 'string')
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
      return isListOf(data, 'jobs', (job) => typeof job === 'string')
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

function isListOf(data: object, key: string, isItem: (item: unknown) => boolean): boolean {
  const list: unknown = Reflect.get(data, key)
  return Array.isArray(list) && list.every(isItem)
}

function isNewBlob(item: unknown): boolean {
  return (
    isObject(item) &&
    hasFields(item, { id: 'string' }) &&
    'blob' in item &&
    item.blob instanceof Blob
  )
}

function isRequest(item: unknown): boolean {
  return isObject(item) && hasFields(item, { requestId: 'string' }) && hasTyped(item, 'command')
}

function isEnvelope(item: unknown): boolean {
  return isObject(item) && hasFields(item, { seq: 'number' }) && hasTyped(item, 'message')
}

function hasTyped(item: object, key: string): boolean {
  const inner: unknown = Reflect.get(item, key)
  return isObject(inner) && hasFields(inner, { type: 'string' })
}

function hasFields(item: object, fields: Fields): boolean {
  return Object.entries(fields).every(([key, type]) => typeof Reflect.get(item, key) === type)
}

function isObject(data: unknown): data is object {
  return typeof data === 'object' && data !== null
}
