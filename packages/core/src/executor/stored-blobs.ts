/** The stored Blobs that one run's payloads name: read before what is in them reaches the run's code. */
import type { BlobReads } from '../blob-reads.js'
import { blobIdsOf, type ReadBlobs } from '../codec/codec.js'
import type { Assignment, BlobId, Step } from '../generated/protocol.js'

export interface StoredBlobs {
  /** What was read. */
  readonly all: ReadBlobs
  /** By reference: no content is read. One that is not there is missed where its value is decoded. `null`: none to read. */
  readonly read: (ids: readonly BlobId[]) => Promise<void> | null
}

export function createStoredBlobs(reads: BlobReads): StoredBlobs {
  const all = new Map<BlobId, Blob>()
  const readOne = async (id: BlobId) => {
    const blob = await reads.read(id)
    if (blob !== null) all.set(id, blob)
  }
  return {
    all,
    read(ids) {
      const missing = [...new Set(ids)].filter((id) => !all.has(id))
      if (missing.length === 0) return null
      return Promise.all(missing.map(readOne)).then(() => undefined)
    },
  }
}

export function blobIdsOfAssignment({ input, memo }: Assignment): readonly BlobId[] {
  return [...blobIdsOf(input), ...memo.flatMap(blobIdsOfStep)]
}

export function blobIdsOfStep({ output = '', children }: Step): readonly BlobId[] {
  if (children.length === 0) return blobIdsOf(output)
  return [output, ...children.map((child) => child.output ?? '')].flatMap(blobIdsOf)
}
