/** Stored Blobs that were asked for and have not come yet. Reading is harmless: a restarted engine is asked again. */
import type { StepwellError } from './errors.js'
import type { BlobId } from './generated/protocol.js'
import type { StoredBlob } from './wire.js'

interface Read {
  readonly promise: Promise<Blob | null>
  settle(blob: Blob | null): void
  reject(error: StepwellError): void
}

export interface BlobReads {
  /** Whoever asks for the same one at the same time shares the answer. */
  read(id: BlobId): Promise<Blob | null>
  answered(stored: StoredBlob): void
  attach(ask: (id: BlobId) => void): void
  detach(): void
  rejectAll(error: StepwellError): void
  readonly isWaiting: boolean
}

export function createBlobReads(): BlobReads {
  const open = new Map<BlobId, Read>()
  let ask: ((id: BlobId) => void) | null = null

  return {
    read(id) {
      const known = open.get(id)
      if (known !== undefined) return known.promise
      const read = pendingRead()
      open.set(id, read)
      ask?.(id)
      return read.promise
    },
    answered({ id, blob }) {
      open.get(id)?.settle(blob)
      open.delete(id)
    },
    attach(next) {
      ask = next
      for (const id of open.keys()) next(id)
    },
    detach() {
      ask = null
    },
    rejectAll(error) {
      const reads = [...open.values()]
      open.clear()
      for (const { reject } of reads) reject(error)
    },
    get isWaiting() {
      return open.size > 0
    },
  }
}

function pendingRead(): Read {
  let settle: Read['settle'] = () => undefined
  let reject: Read['reject'] = () => undefined
  const promise = new Promise<Blob | null>((resolve, rejectPromise) => {
    settle = resolve
    reject = rejectPromise
  })
  return { promise, settle, reject }
}
