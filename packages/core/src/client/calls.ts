/**
 * What this tab asked of the engine and has no answer to yet: commands, stored Blobs, exports and imports. They outlive
 * engines and leaders: whoever is reached next is asked, but for exports and imports that were sent already.
 */
import { createBlobReads } from '../blob-reads.js'
import type { NewBlob } from '../codec/codec.js'
import type { ReplyTo } from '../connection.js'
import type { StepwellError } from '../errors.js'
import type { BlobId, ClientReply, Command } from '../generated/protocol.js'
import type { StoredBlob, ToEngineWorker } from '../wire.js'
import * as refusals from './refusals.js'
import { createRequests } from './requests.js'
import { createTransfers, type TransferAnswer, type TransferAsk } from './transfers.js'

/** What is asked. */
export type Ask = Extract<
  ToEngineWorker,
  {
    readonly type:
      | 'stepwell:requests'
      | 'stepwell:read-blob'
      | 'stepwell:export'
      | 'stepwell:import'
  }
>

export interface Calls {
  /** @param owner whose call it is, for `rejectOf`. */
  request<C extends Command>(
    command: C,
    owner: object,
    blobs: readonly NewBlob[],
  ): Promise<ReplyTo<C>>
  readBlob(id: BlobId): Promise<Blob | null>
  transfer(ask: TransferAsk, owner: object): Promise<Uint8Array<ArrayBuffer>>
  answered(answer: StoredBlob | TransferAnswer): void
  replied(replies: readonly ClientReply[]): void
  /** There is an engine: what is open is asked of it, and what comes. */
  attach(post: (ask: Ask) => void): void
  /** There is none: what comes is kept. */
  detach(): void
  /** The engine has ended and has carried out nothing of what it did not answer. */
  recall(): void
  /** All are rejected: with this error, or where they may have been carried out with `outcome_unknown`. */
  rejectAll(error: StepwellError): void
  rejectOf(owner: object, error: StepwellError): void
  /** Whether an answer is owed by now: not while an export or import keeps the engine busy. */
  readonly isWaiting: boolean
}

/** @param openSizeMax how much payload may wait for answers. */
export function createCalls(openSizeMax: number): Calls {
  const requests = createRequests(openSizeMax)
  const blobReads = createBlobReads()
  const transfers = createTransfers()
  return {
    request: (command, owner, blobs) => requests.add(command, owner, blobs),
    readBlob: (id) => blobReads.read(id),
    transfer: (ask, owner) => transfers.add(ask, owner),
    answered(answer) {
      if (answer.type === 'blob') blobReads.answered(answer)
      else transfers.answered(answer)
    },
    replied: (replies) => requests.answered(replies),
    attach(post) {
      requests.attach((batch, blobs) => post({ type: 'stepwell:requests', requests: batch, blobs }))
      blobReads.attach((id) => post({ type: 'stepwell:read-blob', id }))
      transfers.attach(post)
    },
    detach() {
      requests.detach()
      blobReads.detach()
      transfers.detach()
    },
    recall: () => transfers.recall(),
    rejectAll(error) {
      const errorFor = either(error)
      requests.rejectAll(errorFor)
      blobReads.rejectAll(error)
      transfers.rejectAll(errorFor)
    },
    rejectOf(owner, error) {
      requests.rejectOf(owner, either(error))
      transfers.rejectOf(owner, either(error))
    },
    get isWaiting() {
      return (requests.isWaiting || blobReads.isWaiting) && !transfers.isWaiting
    },
  }
}

function either(error: StepwellError): (wasSent: boolean) => StepwellError {
  return (wasSent) => (wasSent ? refusals.outcomeUnknown(error) : error)
}
