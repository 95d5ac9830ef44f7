/** Where the Blobs and Files of users' values lie. What they are called and belong to stands in the payloads. */
import type { BlobId } from '../../generated/protocol.js'

export interface BlobStore {
  /**
   * Returns when the blob is stored as durably as commits are. One that is there already is not written again.
   * Rejects with `storage_full`, `storage_unavailable`, `closed`, or `invalid_input` where the blob cannot be read.
   */
  write(id: BlobId, blob: Blob, onChunk: () => void): Promise<void>
  /** By reference: nothing is read yet. `null`: there is none. */
  read(id: BlobId): Promise<Blob | null>
  /** What is not there is no error. */
  delete(id: BlobId): Promise<void>
  list(): Promise<BlobId[]>
  /** Ends writes that are under way. */
  close(): void
}

/** For databases in memory. A Blob is a reference: what the browser holds for it is not copied. */
export function createMemoryBlobs(): BlobStore {
  const blobs = new Map<BlobId, Blob>()
  return {
    async write(id, blob) {
      if (!blobs.has(id)) blobs.set(id, blob)
    },
    read: async (id) => blobs.get(id) ?? null,
    async delete(id) {
      blobs.delete(id)
    },
    list: async () => [...blobs.keys()],
    close: () => blobs.clear(),
  }
}
