/**
 * Exports and imports that were not answered yet. Unlike commands they are not sent again to a restarted engine: a second
 * import would take back what the runs of the first did meanwhile, and an export that brought the engine down would again.
 */
import { fromErrorInfo, StepwellError } from '../errors.js'
import { randomId } from '../random-id.js'
import type { FromEngineWorker, ToEngineWorker } from '../wire.js'

export type TransferAsk =
  | { readonly type: 'stepwell:export'; readonly blobs: boolean }
  | { readonly type: 'stepwell:import'; readonly file: Blob }

export type TransferAnswer = Extract<
  FromEngineWorker,
  { readonly type: 'exported' | 'imported' | 'transfer-failed' }
>
type TransferRequest = Extract<
  ToEngineWorker,
  { readonly type: 'stepwell:export' | 'stepwell:import' }
>

interface Transfer {
  readonly request: TransferRequest
  readonly owner: object
  wasSent: boolean
  settle(bytes: Uint8Array<ArrayBuffer>): void
  reject(error: StepwellError): void
}

export interface Transfers {
  /** An import is answered with no bytes. */
  add(ask: TransferAsk, owner: object): Promise<Uint8Array<ArrayBuffer>>
  answered(answer: TransferAnswer): void
  attach(post: (request: TransferRequest) => void): void
  /** What was sent was not carried out: it waits for the next engine. */
  recall(): void
  /** The engine is gone: what was sent to it is rejected, the rest waits for the next one. */
  detach(): void
  /** @param errorFor told whether an engine may have carried it out. */
  rejectAll(errorFor: (wasSent: boolean) => StepwellError): void
  rejectOf(owner: object, errorFor: (wasSent: boolean) => StepwellError): void
  /** Whether an engine works on one, or will: it hears nothing else meanwhile. */
  readonly isWaiting: boolean
}

export function createTransfers(): Transfers {
  const open = new Map<string, Transfer>()
  let post: ((request: TransferRequest) => void) | null = null

  const send = (transfer: Transfer) => {
    if (post === null) return
    transfer.wasSent = true
    post(transfer.request)
  }
  const rejectWhere = (
    matches: (transfer: Transfer) => boolean,
    errorFor: (wasSent: boolean) => StepwellError,
  ) => {
    for (const [id, transfer] of [...open]) {
      if (!matches(transfer)) continue
      open.delete(id)
      transfer.reject(errorFor(transfer.wasSent))
    }
  }
  return {
    add(ask, owner) {
      const requestId = randomId()
      return new Promise((settle, reject) => {
        const request = { ...ask, requestId }
        const transfer: Transfer = { request, owner, wasSent: false, settle, reject }
        open.set(requestId, transfer)
        send(transfer)
      })
    },
    answered(answer) {
      const transfer = open.get(answer.requestId)
      open.delete(answer.requestId)
      if (answer.type === 'exported') transfer?.settle(answer.bytes)
      else if (answer.error === null) transfer?.settle(new Uint8Array())
      else transfer?.reject(fromErrorInfo(answer.error))
    },
    attach(next) {
      post = next
      for (const transfer of open.values()) send(transfer)
    },
    recall() {
      post = null
      for (const transfer of open.values()) transfer.wasSent = false
    },
    detach() {
      post = null
      rejectWhere(({ wasSent }) => wasSent, lostOnTheWay)
    },
    rejectAll: (errorFor) => rejectWhere(() => true, errorFor),
    rejectOf: (owner, errorFor) => rejectWhere((transfer) => transfer.owner === owner, errorFor),
    get isWaiting() {
      return open.size > 0
    },
  }
}

function lostOnTheWay(): StepwellError {
  return new StepwellError(
    'outcome_unknown',
    'The engine was lost during the export or import. An export can be made again; after an import look at the runs first: ' +
      'either all of it was carried out, or nothing.',
  )
}
