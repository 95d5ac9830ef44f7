/** Requests of clients on their way into a batch: those with blobs wait until these are stored, others do not wait. */
import { toStepwellError } from '../errors.js'
import type {
  Addressed,
  BlobId,
  ClientId,
  ClientRequest,
  Input,
  Reply,
  RequestId,
} from '../generated/protocol.js'
import type { Blobs, NewBlobs } from './blobs/blobs.js'
import { blobIdsOfCommand } from './blobs/ids.js'

export interface Intake {
  readonly add: (clientId: ClientId, requests: readonly ClientRequest[], blobs: NewBlobs) => void
  /** To be told of each answer: a refused request's blobs are of no use. */
  readonly answered: (replies: readonly Addressed[]) => void
}

export interface IntakeOptions {
  readonly blobs: Blobs
  readonly push: (input: Input) => void
  /** Answers a request that does not reach the engine. */
  readonly answer: (reply: Addressed) => void
}

/** What was sent is stored nowhere. */
function isRefusal(reply: Reply): boolean {
  if (reply.type === 'signalled') return reply.disposition === 'ignored'
  return reply.type === 'error'
}

export function createIntake({ blobs, push, answer }: IntakeOptions): Intake {
  /** Of requests that are with the engine. */
  const idsOf = new Map<RequestId, readonly BlobId[]>()

  const refuse = (clientId: ClientId, { requestId }: ClientRequest, reason: unknown) => {
    const { code, message } = toStepwellError(reason)
    // The page sends it to the next engine.
    if (code === 'closed') return
    const reply: Reply = { type: 'error', error: { code, message } }
    answer({ clientId, reply: { requestId, reply } })
  }
  const storeAndPush = async (
    clientId: ClientId,
    request: ClientRequest,
    ids: readonly BlobId[],
    news: NewBlobs,
  ): Promise<void> => {
    try {
      await blobs.store(ids, news)
    } catch (reason) {
      blobs.discard(ids)
      return refuse(clientId, request, reason)
    }
    idsOf.set(request.requestId, ids)
    push({ type: 'client', clientId, request })
  }
  return {
    add(clientId, requests, news) {
      for (const request of requests) {
        const ids = blobIdsOfCommand(request.command)
        if (ids.length === 0) push({ type: 'client', clientId, request })
        else void storeAndPush(clientId, request, ids, news)
      }
    },
    answered(replies) {
      if (idsOf.size === 0) return
      for (const { reply: answered } of replies) {
        const { requestId, reply } = answered
        const ids = idsOf.get(requestId)
        idsOf.delete(requestId)
        if (ids !== undefined && isRefusal(reply)) blobs.discard(ids)
      }
    },
  }
}
