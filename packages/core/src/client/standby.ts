/**
 * An engine worker that is kept ready while another tab leads: its wasm is loaded, and it touches no file. One tab of all
 * that wait has it, the one that holds the lock.
 */
import { holdLock, type Liveness } from '../liveness.js'
import { standbyLock, type ToEngineWorker } from '../wire.js'
import { absoluteUrl } from './engine.js'

/** Where memory is scarce, a second instance of the wasm is not worth what it saves. Gigabytes. */
const DEVICE_MEMORY_MIN = 4

export interface Standby {
  start(): void
  /** The worker, to be opened now; `null`: there is none. */
  take(): Worker | null
  stop(): void
}

export interface StandbyOptions {
  readonly database: string
  readonly locks: LockManager
  readonly spawn: () => Worker
  readonly wasmUrl: () => string | null
}

export function createStandby({ database, locks, spawn, wasmUrl }: StandbyOptions): Standby {
  let lock: Liveness | null = null
  let worker: Worker | null = null

  const release = () => {
    lock?.release()
    lock = null
  }
  const drop = () => {
    worker?.terminate()
    worker = null
    release()
  }
  /** What goes wrong here is told when the tab leads and it goes wrong again. */
  const prepare = () => {
    const started = spawn()
    worker = started
    started.onerror = (event) => {
      event.preventDefault()
      if (worker === started) drop()
    }
    const prepare: ToEngineWorker = { type: 'stepwell:prepare', wasmUrl: absoluteUrl(wasmUrl()) }
    started.postMessage(prepare)
  }
  return {
    start() {
      if (lock !== null || !hasMemory()) return
      const held = holdLock(standbyLock(database), locks)
      lock = held
      const granted = () => {
        if (lock === held) prepare()
      }
      held.held.then(granted).catch(release)
    },
    take() {
      const taken = worker
      worker = null
      release()
      return taken
    },
    stop: drop,
  }
}

/** Browsers that do not say are taken for large enough. */
function hasMemory(): boolean {
  const gigabytes: unknown = Reflect.get(navigator, 'deviceMemory')
  return typeof gigabytes !== 'number' || gigabytes >= DEVICE_MEMORY_MIN
}
