/** The engine's files of users: who stores them when, and which of them nobody refers to. */
import type { BlobId } from '../../generated/protocol.js'
import type { BlobStore } from './store.js'

/** More at once would only hold more chunks in memory. */
const WRITES_MAX = 4
/** The page takes an engine for dead that is silent for 10 s. */
const ALIVE_MS = 1_000
/** Whoever talked to the engine before has sent again by then what it had not answered. */
const SWEEP_MS = 2_000
const SWEEP_CHUNK = 500

export type NewBlobs = ReadonlyMap<BlobId, Blob>

export interface Blobs {
  /** Stores those of the ids that are new. Rejects with what the store rejects with. */
  readonly store: (ids: readonly BlobId[], blobs: NewBlobs) => Promise<void>
  /** Waits for one that is being stored. */
  readonly read: (id: BlobId) => Promise<Blob | null>
  readonly list: () => Promise<readonly BlobId[]>
  /** Those that this session was asked to store: what `list` may not have yet. */
  readonly asked: () => ReadonlySet<BlobId>
  readonly delete: (ids: readonly BlobId[]) => void
  /** Deletes those to which no run refers: their message was refused, or is not to come. */
  readonly discard: (ids: readonly BlobId[]) => void
  /** The engine is open: what a crash has left is deleted, in a while. */
  readonly sweepLater: () => void
  readonly close: () => void
}

export interface BlobsOptions {
  readonly store: BlobStore
  /** Asks the engine, while it is open. */
  readonly unreferenced: (ids: BlobId[]) => BlobId[]
  /** Called now and then while something large is written. */
  readonly onAlive: () => void
}

export function createBlobs({ store, unreferenced, onAlive }: BlobsOptions): Blobs {
  /** Each id that this session was asked to store. The engine says when those are to be deleted. */
  const known = new Set<BlobId>()
  const writing = new Map<BlobId, Promise<void>>()
  const enter = createTurnstile(WRITES_MAX)
  let saidAt = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let isClosed = false

  const onChunk = () => {
    const now = performance.now()
    if (now - saidAt < ALIVE_MS) return
    saidAt = now
    onAlive()
  }
  const write = (id: BlobId, blob: Blob): Promise<void> => {
    const underWay = writing.get(id)
    if (underWay !== undefined) return underWay
    known.add(id)
    const written = enter(() => store.write(id, blob, onChunk)).finally(() => writing.delete(id))
    writing.set(id, written)
    return written
  }
  const deleteAll = (ids: readonly BlobId[]) => {
    for (const id of ids) void store.delete(id)
  }
  const discard = (ids: readonly BlobId[]) => {
    if (!isClosed && ids.length > 0) deleteAll(unreferenced([...ids]))
  }
  const sweep = async () => {
    const stored = (await store.list()).filter((id) => !known.has(id))
    for (let at = 0; at < stored.length && !isClosed; at += SWEEP_CHUNK) {
      discard(stored.slice(at, at + SWEEP_CHUNK))
      // The engine's other work goes between.
      await new Promise((resolve) => setTimeout(resolve))
    }
  }
  return {
    async store(ids, blobs) {
      const writes = ids.flatMap((id) => {
        const blob = blobs.get(id)
        return blob === undefined ? [] : [write(id, blob)]
      })
      // All of them, for a failed one must not leave others under way.
      const results = await Promise.allSettled(writes)
      const failed = results.find((result) => result.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    },
    async read(id) {
      await writing.get(id)?.catch(() => undefined)
      return store.read(id)
    },
    list: () => store.list(),
    asked: () => known,
    delete: deleteAll,
    discard,
    sweepLater() {
      // Files that cannot be listed now are swept at another start.
      timer = setTimeout(() => void sweep().catch(() => undefined), SWEEP_MS)
    },
    close() {
      isClosed = true
      clearTimeout(timer)
      store.close()
    },
  }
}

/** Lets so many in at once. */
function createTurnstile(max: number): (task: () => Promise<void>) => Promise<void> {
  const waiting: (() => void)[] = []
  let inside = 0
  return async (task) => {
    if (inside >= max) await new Promise<void>((resolve) => waiting.push(resolve))
    else inside += 1
    try {
      await task()
    } finally {
      const next = waiting.shift()
      if (next === undefined) inside -= 1
      else next()
    }
  }
}
