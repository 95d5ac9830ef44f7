/** Requests of the page on their way into a batch: those with blobs wait until these are stored, others do not wait. */
import { toStepwellError } from '../errors.js'
import type {
  BlobId,
  ClientId,
  ClientReply,
  ClientRequest,
  Input,
  Reply,
  RequestId,
} from '../generated/protocol.js'
import type { Blobs, NewBlobs } from './blobs/blobs.js'
import { blobIdsOfCommand } from './blobs/ids.js'

export interface Intake {
  readonly add: (requests: readonly ClientRequest[], blobs: NewBlobs) => void
  /** To be told of each answer: a refused request's blobs are of no use. */
  readonly answered: (replies: readonly ClientReply[]) => void
}

export interface IntakeOptions {
  readonly clientId: ClientId
  readonly blobs: Blobs
  readonly push: (input: Input) => void
  /** Answers a request that does not reach the engine. */
  readonly answer: (reply: ClientReply) => void
}

/** What was sent is stored nowhere. */
function isRefusal(reply: Reply): boolean {
  if (reply.type === 'signalled') return reply.disposition === 'ignored'
  return reply.type === 'error'
}

export function createIntake({ clientId, blobs, push, answer }: IntakeOptions): Intake {
  /** Of requests that are with the engine. */
  const idsOf = new Map<RequestId, readonly BlobId[]>()

  const refuse = ({ requestId }: ClientRequest, reason: unknown) => {
    const { code, message } = toStepwellError(reason)
    // The page sends it to the next engine.
    if (code === 'closed') return
    answer({ requestId, reply: { type: 'error', error: { code, message } } })
  }
  const storeAndPush = async (
    request: ClientRequest,
    ids: readonly BlobId[],
    news: NewBlobs,
  ): Promise<void> => {
    try {
      await blobs.store(ids, news)
    } catch (reason) {
      blobs.discard(ids)
      return refuse(request, reason)
    }
    idsOf.set(request.requestId, ids)
    push({ type: 'client', clientId, request })
  }
  return {
    add(requests, news) {
      for (const request of requests) {
        const ids = blobIdsOfCommand(request.command)
        if (ids.length === 0) push({ type: 'client', clientId, request })
        else void storeAndPush(request, ids, news)
      }
    },
    answered(replies) {
      if (idsOf.size === 0) return
      for (const { requestId, reply } of replies) {
        const ids = idsOf.get(requestId)
        idsOf.delete(requestId)
        if (ids !== undefined && isRefusal(reply)) blobs.discard(ids)
      }
    },
  }
}
