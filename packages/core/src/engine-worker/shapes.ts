/** The shapes of what crosses to this worker, as far as its TypeScript reads them; the engine checks the rest. */
import { hasFields, isListOf, isObject, isPayload, isText, isTextUpTo } from '../shapes.js'

/** A client's or request's id is a UUID. */
export const ID_LENGTH_MAX = 64

export function isNewBlob(item: unknown): boolean {
  return (
    isObject(item) &&
    hasFields(item, { id: 'string' }) &&
    'blob' in item &&
    item.blob instanceof Blob
  )
}

export function isRequest(item: unknown): boolean {
  return (
    isObject(item) &&
    'requestId' in item &&
    isTextUpTo(item.requestId, ID_LENGTH_MAX) &&
    isCommand(Reflect.get(item, 'command'))
  )
}

export function isEnvelope(item: unknown): boolean {
  return (
    isObject(item) && hasFields(item, { seq: 'number' }) && isMessage(Reflect.get(item, 'message'))
  )
}

/** What is read of a command before the engine reads it all. */
function isCommand(item: unknown): boolean {
  if (!isObject(item) || !hasFields(item, { type: 'string' })) return false
  switch (Reflect.get(item, 'type')) {
    case 'trigger':
      return isTrigger(Reflect.get(item, 'run'))
    case 'batchTrigger':
      return isListOf(item, 'runs', isTrigger)
    case 'retrigger':
      return isPayload(Reflect.get(item, 'input')) && isListOf(item, 'blobs', isText)
    case 'signal':
      return isPayloadOrNone(Reflect.get(item, 'value')) && isListOf(item, 'blobs', isText)
    default:
      return true
  }
}

/** The same of an executor's message. */
function isMessage(item: unknown): boolean {
  if (!isObject(item) || !hasFields(item, { type: 'string' })) return false
  return (
    (!('output' in item) || isPayload(item.output)) &&
    (!('blobs' in item) || isListOf(item, 'blobs', isText)) &&
    (!('report' in item) || isReport(item.report)) &&
    (Reflect.get(item, 'type') !== 'stepInvoke' || isListOf(item, 'children', isTrigger))
  )
}

function isTrigger(item: unknown): boolean {
  return isObject(item) && isPayload(Reflect.get(item, 'input')) && isListOf(item, 'blobs', isText)
}

function isReport(item: unknown): boolean {
  return isObject(item) && isListOf(item, 'logs', isLogLine)
}

function isLogLine(item: unknown): boolean {
  return (
    isObject(item) &&
    hasFields(item, { message: 'string' }) &&
    isPayloadOrNone(Reflect.get(item, 'data'))
  )
}

function isPayloadOrNone(value: unknown): boolean {
  return value === undefined || isPayload(value)
}
