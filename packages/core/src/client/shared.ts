/**
 * One `Tab` for each database of a page, however many clients ask: hot reload and StrictMode make several, of which the
 * newest brings the jobs and the context. It stands on `globalThis`, so that a reloaded copy of this module finds it.
 */
import type { Serializer } from '../codec/codec.js'
import { StepwellError } from '../errors.js'
import type { AnyJob } from '../infer.js'
import { BUILD_ID, type Durability, type Limits, type StorageMode } from '../wire.js'
import { createTab, type Tab } from './tab.js'

/** A component that is unmounted and mounted again, or a reloaded module, finds the connection open. */
const RELEASE_DELAY_MS = 500

export interface SharedConfig {
  readonly database: string
  readonly durability: Durability
  readonly storage: StorageMode
  readonly concurrency: number
  readonly executors: number
  readonly worker: (() => Worker) | undefined
  readonly engineWorker: (() => Worker) | undefined
  /** `null`: beside the engine worker's module. */
  readonly wasmUrl: string | null
  readonly standby: boolean
  readonly context: (() => unknown) | undefined
  readonly jobs: ReadonlyMap<string, AnyJob>
  readonly serializer: Serializer | undefined
  readonly limits: Limits
  /** `null`: runs are kept for ever. */
  readonly retentionMs: number | null
}

export interface Lease {
  readonly tab: Tab
  connect(): void
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

interface Registry {
  readonly open: Map<string, Shared>
  /** Tabs that are letting go: the next one of that database must not find the seat taken by them. */
  readonly closing: Map<string, Promise<void>>
}

export function acquireTab(config: SharedConfig): Lease {
  const registry = openRegistry()
  const existing = registry.open.get(config.database)
  if (existing === undefined) return lease(registry, start(registry, config))
  const before = existing.config
  checkSame(before, config)
  existing.config = config
  existing.tab.jobsChanged(isOtherCode(before, config))
  return lease(registry, existing)
}

function start(registry: Registry, config: SharedConfig): Shared {
  const { database, durability, storage, concurrency, executors, limits, retentionMs } = config
  const tab = createTab({
    database,
    durability,
    storage,
    concurrency,
    executors,
    limits,
    retentionMs,
    worker: () => shared.config.worker,
    engineWorker: () => shared.config.engineWorker,
    wasmUrl: () => shared.config.wasmUrl,
    standby: config.standby,
    context: () => shared.config.context,
    jobs: () => shared.config.jobs,
    serializer: () => shared.config.serializer,
  })
  const shared: Shared = { tab, config, users: 0, releaseTimer: undefined, waiting: [] }
  registry.open.set(database, shared)
  return shared
}

function lease(registry: Registry, shared: Shared): Lease {
  shared.users += 1
  clearTimeout(shared.releaseTimer)
  settle(shared)
  return {
    tab: shared.tab,
    connect() {
      const closing = registry.closing.get(shared.config.database)
      if (closing === undefined) shared.tab.connect()
      else void closing.then(() => shared.tab.connect())
    },
    release() {
      shared.users -= 1
      if (shared.users > 0) return Promise.resolve()
      const released = new Promise<void>((resolve) => shared.waiting.push(resolve))
      shared.releaseTimer = setTimeout(() => {
        const { database } = shared.config
        registry.open.delete(database)
        const closed = shared.tab.shutDown().then(() => {
          if (registry.closing.get(database) === closed) registry.closing.delete(database)
          settle(shared)
        })
        registry.closing.set(database, closed)
      }, RELEASE_DELAY_MS)
      return released
    },
  }
}

function settle(shared: Shared): void {
  for (const resolve of shared.waiting.splice(0)) resolve()
}

function checkSame(open: SharedConfig, wanted: SharedConfig): void {
  const before = engineOptions(open)
  for (const [option, value] of Object.entries(engineOptions(wanted))) {
    if (before[option] === value) continue
    throw new StepwellError(
      'invalid_input',
      `The database "${open.database}" is open in this page with ${option} ${before[option]}, and this client has ` +
        `${option} ${value}. Reload the page, or await close() of the other client first.`,
    )
  }
}

/**
 * Hot reload makes new definitions of the same jobs, or another function that makes the worker. A component that makes its
 * client anew brings the same definitions and the same function's text: runs in progress are left alone then.
 */
function isOtherCode(before: SharedConfig, after: SharedConfig): boolean {
  if (String(before.worker) !== String(after.worker)) return true
  if (after.worker === undefined) return false
  return [...after.jobs].some(([name, job]) => (before.jobs.get(name) ?? job) !== job)
}

/** What one engine can have only one value of. */
function engineOptions(config: SharedConfig): Readonly<Record<string, string | number>> {
  const { durability, storage, concurrency, executors, limits, retentionMs } = config
  return {
    durability,
    storage,
    concurrency,
    executors,
    retention: retentionMs ?? 'false',
    'limits.payloadBytes': limits.payloadBytes,
    'limits.logLines': limits.logLines,
  }
}

const KEY = Symbol.for(`stepwell.tabs ${BUILD_ID}`)

function openRegistry(): Registry {
  const found: unknown = Reflect.get(globalThis, KEY)
  if (isRegistry(found)) return found
  const registry: Registry = { open: new Map(), closing: new Map() }
  Reflect.set(globalThis, KEY, registry)
  return registry
}

/** Nobody else uses the key, and it names the build: what stands there was put there by a copy of this very module. */
function isRegistry(value: unknown): value is Registry {
  return typeof value === 'object' && value !== null
}
