/**
 * One `Tab` for each database of a page, however many clients ask: hot reload and StrictMode make several, of which the
 * newest brings the jobs. It stands on `globalThis`, so that a reloaded copy of this module finds it.
 */
import { StepwellError } from '../errors.js'
import type { AnyJob } from '../infer.js'
import { BUILD_ID, type Durability, type StorageMode } from '../wire.js'
import { createTab, type Tab } from './tab.js'

/** A component that is unmounted and mounted again, or a reloaded module, finds the connection open. */
const RELEASE_DELAY_MS = 500

export interface SharedConfig {
  readonly database: string
  readonly durability: Durability
  readonly storage: StorageMode
  readonly concurrency: number
  readonly worker: (() => Worker) | undefined
  readonly jobs: ReadonlyMap<string, AnyJob>
}

export interface Lease {
  readonly tab: Tab
  /** Resolves when the tab was let go, or another client uses it on. */
  release(): Promise<void>
}

interface Shared {
  readonly tab: Tab
  config: SharedConfig
  users: number
  /** Settles the releases that wait. */
  releaseTimer: ReturnType<typeof setTimeout> | undefined
  waiting: (() => void)[]
}

export function acquireTab(config: SharedConfig): Lease {
  const registry = openRegistry()
  const existing = registry.get(config.database)
  if (existing === undefined) return lease(registry, start(registry, config))
  checkSame(existing.config, config)
  existing.config = config
  existing.tab.jobsChanged()
  return lease(registry, existing)
}

function start(registry: Map<string, Shared>, config: SharedConfig): Shared {
  const { database, durability, storage, concurrency, worker } = config
  const tab = createTab({
    database,
    durability,
    storage,
    concurrency,
    worker,
    jobs: () => shared.config.jobs,
  })
  const shared: Shared = { tab, config, users: 0, releaseTimer: undefined, waiting: [] }
  registry.set(database, shared)
  return shared
}

function lease(registry: Map<string, Shared>, shared: Shared): Lease {
  shared.users += 1
  clearTimeout(shared.releaseTimer)
  settle(shared)
  return {
    tab: shared.tab,
    release() {
      shared.users -= 1
      if (shared.users > 0) return Promise.resolve()
      const released = new Promise<void>((resolve) => shared.waiting.push(resolve))
      shared.releaseTimer = setTimeout(() => {
        registry.delete(shared.config.database)
        void shared.tab.shutDown().then(() => settle(shared))
      }, RELEASE_DELAY_MS)
      return released
    },
  }
}

function settle(shared: Shared): void {
  for (const resolve of shared.waiting.splice(0)) resolve()
}

function checkSame(open: SharedConfig, wanted: SharedConfig): void {
  for (const option of ['durability', 'storage', 'concurrency'] as const) {
    if (open[option] === wanted[option]) continue
    throw new StepwellError(
      'invalid_input',
      `The database "${open.database}" is open in this page with ${option} ${open[option]}, and this client has ` +
        `${option} ${wanted[option]}. Reload the page, or await close() of the other client first.`,
    )
  }
}

const KEY = Symbol.for(`stepwell.tabs ${BUILD_ID}`)

function openRegistry(): Map<string, Shared> {
  const found: unknown = Reflect.get(globalThis, KEY)
  if (isRegistry(found)) return found
  const registry = new Map<string, Shared>()
  Reflect.set(globalThis, KEY, registry)
  return registry
}

/** Nobody else uses the key, and it names the build: what stands there was put there by a copy of this very module. */
function isRegistry(value: unknown): value is Map<string, Shared> {
  return value instanceof Map
}
