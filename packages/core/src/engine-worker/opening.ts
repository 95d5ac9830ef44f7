/** From a request to an open database: lock, wasm, file handles. */
import { isStepwellError } from '../errors.js'
import type { StorageLoss } from '../types.js'
import type { OpenEngine } from '../wire.js'
import { engineLock } from '../wire.js'
import { type EngineInstance, loadEngine, openEngine } from './instance.js'
import { acquireLock } from './lock.js'
import { clearSuspect, clearUntold, type Findings, lookAt, setAside } from './quarantine.js'

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
  const locking =
    request.storage === 'memory' ? null : acquireLock(engineLock(request.database), signal, onLost)
  // While it comes, or another tab's engine holds it, the wasm is made ready.
  const loading = loadEngine(request.wasmUrl)
  loading.catch(() => undefined)
  const lock = await locking
  try {
    // Where nothing can be looked at, opening says why.
    const looking = lock === null ? NOTHING : lookAt(request.database).catch(() => NOTHING)
    const [found] = await Promise.all([looking, loading])
    const [{ engine, loss }, persisted] = await Promise.all([
      openKept(request, found, onWake),
      isPersisted(request),
    ])
    const close = () => {
      engine.close()
      lock?.release()
    }
    return { engine, persisted, loss: loss ?? evicted(request, engine), close }
  } catch (error) {
    lock?.release()
    throw error
  }
}

const NOTHING: Findings = { isSuspect: false, unfinished: null, isUntold: false }

interface Kept {
  readonly engine: EngineInstance
  readonly loss: StorageLoss | null
}

/** A damaged database is set aside, and an empty one takes its place. One of a newer build is none. */
async function openKept(request: OpenEngine, found: Findings, onWake: () => void): Promise<Kept> {
  const { database } = request
  let { isUntold } = found
  let why = 'as an earlier start found'
  if (found.unfinished !== null) {
    await setAside(database, found.unfinished)
    isUntold = true
  }
  const isSuspect = found.isSuspect && !isUntold
  const open = () => openEngine(request, onWake, isSuspect)
  const engine = await open().catch(async (error: unknown) => {
    if (isUntold || !isStepwellError(error, 'storage_corrupt')) throw error
    await setAside(database)
    isUntold = true
    why = error.message.match(/\((.*)\)/s)?.[1] ?? error.message
    return openEngine(request, onWake)
  })
  if (isSuspect && !isUntold) await clearSuspect(database)
  if (!isUntold) return { engine, loss: null }
  await clearUntold(database)
  return { engine, loss: damaged(database, why) }
}

function damaged(database: string, why: string): StorageLoss {
  return {
    kind: 'damaged',
    at: Date.now(),
    message:
      `The database "${database}" is damaged (${why}). It was set aside, and an empty one took its place. ` +
      'exportDatabase({ damaged: true }) gives what can be saved of it.',
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
