/** Shape checks of what comes over `:cmd`, to which any script of the origin can post. */
import type { ToLeader } from '../channels.js'
import { type Fields, hasFields, isListOf, isObject, isTextUpTo } from '../shapes.js'
import { ID_LENGTH_MAX, isNewBlob, isRequest } from './shapes.js'

/** More than a follower sends in one message, and than its code has. */
const REQUESTS_MAX = 1000
const JOBS_MAX = 10_000
const NAME_LENGTH_MAX = 256

const FOR_EPOCH: Fields = { clientId: 'string', epoch: 'number' }

/** Whether a message is one of a follower's. */
export function isToLeader(data: unknown): data is ToLeader {
  if (!isObject(data) || !('type' in data)) return false
  if (!('clientId' in data) || !isId(data.clientId)) return false
  switch (data.type) {
    case 'stepwell:join':
      return (
        hasFields(data, { buildId: 'string', isVisible: 'boolean' }) &&
        isListOf(data, 'jobs', (job) => isTextUpTo(job, NAME_LENGTH_MAX), JOBS_MAX)
      )
    case 'stepwell:leave':
      return true
    case 'stepwell:requests':
      return (
        hasFields(data, FOR_EPOCH) &&
        isListOf(data, 'requests', isRequest, REQUESTS_MAX) &&
        isListOf(data, 'blobs', isNewBlob)
      )
    case 'stepwell:read-blob':
      return hasFields(data, FOR_EPOCH) && 'id' in data && isId(data.id)
    case 'stepwell:export':
      return hasFields(data, { ...FOR_EPOCH, requestId: 'string', blobs: 'boolean' })
    case 'stepwell:import':
      return (
        hasFields(data, { ...FOR_EPOCH, requestId: 'string' }) &&
        'file' in data &&
        data.file instanceof Blob
      )
    default:
      return false
  }
}

function isId(value: unknown): boolean {
  return isTextUpTo(value, ID_LENGTH_MAX) && value !== ''
}
