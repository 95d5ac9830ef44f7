/**
 * One file a blob, in the folder `blobs` beside the folder of SQLite's pool.
 *
 * A file counts as stored when it has the blob's size: it is written from its start to its end, and what a crash leaves
 * half written is shorter. A crash of the whole machine can leave one of full size without its content, but then the
 * command that named it was not committed either, and nobody is there to send it again.
 */
import { errorText, StepwellError } from '../../errors.js'
import type { BlobId } from '../../generated/protocol.js'
import type { BlobStore } from './store.js'

const FOLDER = 'blobs'
/** What the engine's other work may have to wait for: writing and flushing are synchronous. */
const CHUNK_BYTES = 4 * 1024 * 1024
/** A terminated worker's handle comes free in 16–150 ms. */
const BUSY_MS_MAX = 5_000
const BUSY_RETRY_MS = 50

/** TypeScript's types of a page do not have it: only workers do. */
interface SyncAccess {
  getSize(): number
  truncate(size: number): void
  write(bytes: Uint8Array<ArrayBuffer>, options: { at: number }): number
  flush(): void
  close(): void
}

/** @param isDurable whether it must survive power loss before it counts as stored. */
export function createOpfsBlobs(directory: string, isDurable: boolean): BlobStore {
  let isClosed = false

  const folder = async (create: boolean): Promise<FileSystemDirectoryHandle> => {
    const root = await navigator.storage.getDirectory()
    const database = await root.getDirectoryHandle(directory)
    return database.getDirectoryHandle(FOLDER, { create })
  }
  const copy = async (blob: Blob, access: SyncAccess, onChunk: () => void): Promise<void> => {
    if (blob.size > 0 && access.getSize() === blob.size) {
      if (isDurable) access.flush()
      return
    }
    access.truncate(0)
    for (let at = 0; at < blob.size; at += CHUNK_BYTES) {
      const bytes = await readChunk(blob, at)
      if (isClosed) throw closed()
      writeAll(access, bytes, at)
      if (isDurable) access.flush()
      onChunk()
    }
  }
  return {
    async write(id, blob, onChunk) {
      const files = await folder(true)
      const handle = await files.getFileHandle(id, { create: true })
      const access = await openAccess(handle, () => isClosed)
      let failure: StepwellError | null = null
      try {
        await copy(blob, access, onChunk)
      } catch (reason) {
        failure = writeError(reason)
      }
      access.close()
      if (failure === null) return
      // The next engine may be writing it already.
      if (!isClosed) await files.removeEntry(id).catch(() => undefined)
      throw failure
    },
    async read(id) {
      try {
        const handle = await (await folder(false)).getFileHandle(id)
        return await handle.getFile()
      } catch (reason) {
        if (isNamed(reason, 'NotFoundError')) return null
        throw writeError(reason)
      }
    },
    async delete(id) {
      try {
        await (await folder(false)).removeEntry(id)
      } catch {
        // It is gone, or somebody holds it: then it is an orphan, and the next start sweeps it.
      }
    },
    async list() {
      const ids: BlobId[] = []
      try {
        for await (const id of (await folder(false)).keys()) ids.push(id)
      } catch (reason) {
        if (!isNamed(reason, 'NotFoundError')) throw reason
      }
      return ids
    },
    close() {
      isClosed = true
    },
  }
}

async function openAccess(
  handle: FileSystemFileHandle,
  isClosed: () => boolean,
): Promise<SyncAccess> {
  const startedAt = performance.now()
  for (;;) {
    try {
      if (!hasSyncAccess(handle)) throw new TypeError('this browser has no createSyncAccessHandle')
      return await handle.createSyncAccessHandle()
    } catch (reason) {
      const isLate = performance.now() - startedAt > BUSY_MS_MAX
      if (!isNamed(reason, 'NoModificationAllowedError') || isLate) throw writeError(reason)
    }
    await new Promise((resolve) => setTimeout(resolve, BUSY_RETRY_MS))
    if (isClosed()) throw closed()
  }
}

function hasSyncAccess(
  handle: FileSystemFileHandle,
): handle is FileSystemFileHandle & { createSyncAccessHandle(): Promise<SyncAccess> } {
  return 'createSyncAccessHandle' in handle
}

async function readChunk(blob: Blob, at: number): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await blob.slice(at, at + CHUNK_BYTES).arrayBuffer())
  } catch (cause) {
    const name = blob instanceof File ? `The file ${JSON.stringify(blob.name)}` : 'A Blob'
    throw new StepwellError(
      'invalid_input',
      `${name} cannot be read, so it cannot be stored: ${errorText(cause)}. Was it changed or removed since it was chosen?`,
      { cause },
    )
  }
}

function writeAll(access: SyncAccess, bytes: Uint8Array<ArrayBuffer>, at: number) {
  let written = 0
  while (written < bytes.length) {
    const count = access.write(bytes.subarray(written), { at: at + written })
    if (count === 0) throw full('the browser wrote nothing')
    written += count
  }
}

function writeError(reason: unknown): StepwellError {
  if (reason instanceof StepwellError) return reason
  if (isNamed(reason, 'QuotaExceededError')) return full(errorText(reason))
  return new StepwellError(
    'storage_unavailable',
    `A file could not be stored beside the database: ${errorText(reason)}`,
    { cause: reason },
  )
}

function full(why: string): StepwellError {
  return new StepwellError(
    'storage_full',
    `There is no room to store a file (${why}). Delete runs, or free space in this browser.`,
  )
}

function closed(): StepwellError {
  return new StepwellError('closed', 'The engine was closed while it stored a file.')
}

function isNamed(reason: unknown, name: string): boolean {
  return reason instanceof DOMException && reason.name === name
}
