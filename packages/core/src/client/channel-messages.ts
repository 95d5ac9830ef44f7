/** Shape checks of what a follower hears. Any script of the origin can post there, and a leader of another build. */
import type { EventsAt, ToEverybody, ToFollower } from '../channels.js'
import { type Fields, hasFields, isListOf, isObject, isText } from '../shapes.js'
import { BUILD_ID } from '../wire.js'

const EVERYBODY: Readonly<Record<ToEverybody['type'], Fields>> = {
  leading: { buildId: 'string', epoch: 'number' },
  events: { epoch: 'number' },
  alive: { epoch: 'number' },
  clock: { epoch: 'number', from: 'number', to: 'number' },
  released: { epoch: 'number' },
  unavailable: { buildId: 'string', error: 'object' },
}

const FOLLOWER: Readonly<Record<ToFollower['type'], Fields>> = {
  welcome: { buildId: 'string' },
  replies: { epoch: 'number', after: 'number', replies: 'object', events: 'object' },
  blob: { epoch: 'number', id: 'string', blob: 'object' },
  exported: { epoch: 'number', requestId: 'string', bytes: 'object' },
  imported: { epoch: 'number', requestId: 'string', error: 'object' },
  'transfer-failed': { epoch: 'number', requestId: 'string', error: 'object' },
}

export function isToEverybody(data: unknown): data is ToEverybody {
  if (!hasFieldsOf(EVERYBODY, data)) return false
  switch (data.type) {
    case 'events':
      return isEventsAt(data) && isListOf(data, 'repliedTo', isText)
    case 'released':
      return isTextOrNull(Reflect.get(data, 'next'))
    case 'unavailable':
      return isErrorInfo(Reflect.get(data, 'error'))
    default:
      return true
  }
}

export function isToFollower(data: unknown): data is ToFollower {
  if (!hasFieldsOf(FOLLOWER, data)) return false
  const at = (key: string): unknown => Reflect.get(data, key)
  switch (data.type) {
    case 'welcome':
      // Of another build's only that is read.
      return at('buildId') !== BUILD_ID || isWelcome(data)
    case 'replies':
      return (
        isListOf(data, 'replies', isReply) && (at('events') === null || isEventsAt(at('events')))
      )
    case 'blob':
      return at('blob') === null || at('blob') instanceof Blob
    case 'exported':
      return at('bytes') instanceof Uint8Array
    case 'imported':
      return at('error') === null || isErrorInfo(at('error'))
    case 'transfer-failed':
      return isErrorInfo(at('error'))
    default:
      return false
  }
}

function isWelcome(data: object): boolean {
  const at = (key: string): unknown => Reflect.get(data, key)
  return (
    Number.isSafeInteger(at('epoch')) &&
    Number.isSafeInteger(at('position')) &&
    isStatus(at('status')) &&
    typeof at('persisted') === 'boolean' &&
    isLossOrNull(at('loss'))
  )
}

function isEventsAt(data: unknown): data is EventsAt {
  if (!isObject(data) || !('position' in data) || !Number.isSafeInteger(data.position)) return false
  const status: unknown = Reflect.get(data, 'status')
  return isListOf(data, 'events', isEvent) && (status === null || isStatus(status))
}

function isEvent(item: unknown): boolean {
  return isObject(item) && 'type' in item && 'runId' in item && typeof item.runId === 'string'
}

function isStatus(item: unknown): boolean {
  return isObject(item) && isListOf(item, 'unservedJobs', isText)
}

function isReply(item: unknown): boolean {
  return isObject(item) && 'requestId' in item && 'reply' in item && isObject(item.reply)
}

function isErrorInfo(item: unknown): boolean {
  return isObject(item) && hasTexts(item, 'code', 'message')
}

function hasTexts(item: object, ...keys: readonly string[]): boolean {
  return keys.every((key) => typeof Reflect.get(item, key) === 'string')
}

function isLossOrNull(item: unknown): boolean {
  return item === null || (isObject(item) && typeof Reflect.get(item, 'at') === 'number')
}

function isTextOrNull(value: unknown): boolean {
  return value === null || typeof value === 'string'
}

function hasFieldsOf(
  shapes: Readonly<Record<string, Fields>>,
  data: unknown,
): data is { readonly type: string } {
  if (!isObject(data) || !('type' in data) || typeof data.type !== 'string') return false
  const fields = Object.hasOwn(shapes, data.type) ? shapes[data.type] : undefined
  if (fields === undefined) return false
  return hasFields(data, fields)
}
