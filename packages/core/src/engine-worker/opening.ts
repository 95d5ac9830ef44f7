/** From a request to an open database: lock, wasm, file handles. */
import type { StorageLoss } from '../types.js'
import type { OpenEngine } from '../wire.js'
import { engineLock } from '../wire.js'
import { type EngineInstance, loadEngine, openEngine } from './instance.js'
import { acquireLock } from './lock.js'

export interface OpenDatabase {
  readonly engine: EngineInstance
  /** `null` where memory holds the database. */
  readonly persisted: boolean | null
  /** What was lost of the database that was here before. */
  readonly loss: StorageLoss | null
  /** Closes the handles and then lets go of the lock. */
  readonly close: () => void
}

export interface OpeningOptions {
  readonly request: OpenEngine
  /** Withdraws the request for the lock. */
  readonly signal: AbortSignal
  readonly onWake: () => void
  /** The lock was lost: close at once. */
  readonly onLost: () => void
}

/** Rejects with a `StepwellError`, or with what the wasm panicked with. Nothing is held then. */
export async function openDatabase(options: OpeningOptions): Promise<OpenDatabase> {
  const { request, signal, onWake, onLost } = options
  // While another tab's engine holds the lock, this one's wasm is made ready.
  const loading = loadEngine(request.wasmUrl)
  loading.catch(() => undefined)
  const lock =
    request.storage === 'memory'
      ? null
      : await acquireLock(engineLock(request.database), signal, onLost)
  try {
    await loading
    const [engine, persisted] = await Promise.all([
      openEngine(request, onWake),
      isPersisted(request),
    ])
    const close = () => {
      engine.close()
      lock?.release()
    }
    return { engine, persisted, loss: evicted(request, engine), close }
  } catch (error) {
    lock?.release()
    throw error
  }
}

/** The first session of a database that was opened before: it was deleted meanwhile. */
function evicted(request: OpenEngine, engine: EngineInstance): StorageLoss | null {
  if (!request.wasOpenedBefore || engine.epoch() !== 1) return null
  return {
    kind: 'evicted',
    at: Date.now(),
    message:
      `The database "${request.database}" was deleted, by the browser to make room or by a script, and an empty one took ` +
      'its place. persist() asks the browser to keep what is stored from now on.',
  }
}

async function isPersisted({ storage }: OpenEngine): Promise<boolean | null> {
  if (storage === 'memory') return null
  try {
    return await navigator.storage.persisted()
  } catch {
    return false
  }
}
