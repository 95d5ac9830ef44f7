/**
 * Entries that several components share, by key. An entry outlives its last user for a while and goes on listening, so
 * that a component that is mounted again shows the current state in its first paint.
 *
 * What reads and reduces for an entry, its parts, comes with the client's runtime. Until then the entry shows what is
 * known without it.
 */
import type { ClientCore } from '../client/core.js'
import { createEmitter } from '../client/emitter.js'
import type { Runtime } from '../client/runtime.js'
import type { StepwellError } from '../errors.js'
import type { RunEvent } from '../generated/protocol.js'
import { obstacleOf } from './view.js'

const RELEASE_MS = 30_000

/** What a kind of entry brings; `changed` of its maker tells the listeners. */
export interface EntryParts<S> {
  /** The same until it changes. */
  get(): S
  /** The run whose events it wants; `null`: those of all. */
  readonly runId: string | null
  /** Somebody listens: read. Called again after `stop`. */
  start(): void
  stop(): void
  onEvents(events: readonly RunEvent[]): void
  /** Of children of its run. */
  onChildEvents?(events: readonly RunEvent[]): void
  /** Read again, for something may have been missed. */
  onReset(): void
  /** The connection's status changed. */
  onStatus(): void
}

/** How an entry comes by what it shows: a state, and functions beside it. */
export interface EntryPlan<S, F, P> {
  /** Without parts. @param obstacle why there may never be any. */
  early(obstacle: StepwellError | null): S
  /** The same for as long as the entry lives. @param parts `null` before there are any. */
  functions(parts: () => P | null): F
  parts(runtime: Runtime, changed: () => void): P
}

export interface Entry<V, P> {
  /** `null` before there is a runtime. */
  readonly parts: P | null
  get(): V
  subscribe(listener: () => void): () => void
}

export interface Cache<S, F, P> {
  /** The entry of that key, made where there is none. */
  entry(key: string, plan: () => EntryPlan<S, F, P>): Entry<S & F, P>
  /** All that are known. */
  values(): Iterable<Entry<S & F, P>>
}

interface Kept<V, P> extends Entry<V, P> {
  changed(): void
}

/** For each client a cache of its own. */
export function createCaches<S extends object, F extends object, P extends EntryParts<S>>(): (
  core: ClientCore,
) => Cache<S, F, P> {
  const caches = new WeakMap<ClientCore, Cache<S, F, P>>()
  return (core) => {
    const cache = caches.get(core) ?? createCache<S, F, P>(core)
    caches.set(core, cache)
    return cache
  }
}

function createCache<S extends object, F extends object, P extends EntryParts<S>>(
  core: ClientCore,
): Cache<S, F, P> {
  type Own = Kept<S & F, P>
  const entries = new Map<string, Own>()
  const started = new Set<Own>()
  let detach: (() => void) | null = null

  const route = (events: readonly RunEvent[]) => {
    const byRun = new Map<string, RunEvent[]>()
    const byParent = new Map<string, RunEvent[]>()
    for (const event of events) {
      push(byRun, event.runId, event)
      if (event.parentId !== undefined) push(byParent, event.parentId, event)
    }
    for (const { parts } of started) {
      if (parts === null) continue
      const { runId } = parts
      const own = runId === null ? events : byRun.get(runId)
      if (own !== undefined) parts.onEvents(own)
      if (runId === null || byParent.size === 0) continue
      const ofChildren = byParent.get(runId)
      if (ofChildren !== undefined) parts.onChildEvents?.(ofChildren)
    }
  }
  const forAll = (call: (entry: Own) => void) => () => {
    for (const entry of [...started]) call(entry)
  }
  const attach = () => {
    if (detach !== null) return
    const { connection } = core
    const offs = [
      connection.onEvents(route),
      connection.onReset(forAll(({ parts }) => parts?.onReset())),
      core.status.subscribe(
        forAll(({ parts, changed }) => (parts === null ? changed() : parts.onStatus())),
      ),
      core.onRuntime(forAll(({ parts }) => parts?.start())),
    ]
    detach = () => {
      for (const off of offs) off()
      detach = null
    }
  }
  const start = (entry: Own) => {
    // Each time: it may have failed before.
    core.connection.connect()
    if (started.has(entry)) return
    attach()
    started.add(entry)
    entry.parts?.start()
  }
  const stop = (entry: Own) => {
    if (!started.delete(entry)) return
    entry.parts?.stop()
    if (started.size === 0) detach?.()
  }
  const makeEntry = (key: string, plan: EntryPlan<S, F, P>): Own => {
    const changes = createEmitter<void>()
    const changed = () => changes.emit()
    let made: P | null = null
    const parts = () => {
      if (made === null && core.runtime !== null) made = plan.parts(core.runtime, changed)
      return made
    }
    const functions = plan.functions(parts)
    const early = memoised(plan.early)
    const view = memoised((state: S): S & F => ({ ...state, ...functions }))
    let users = 0
    let timer: ReturnType<typeof setTimeout> | undefined
    const releaseLater = () => {
      clearTimeout(timer)
      timer = setTimeout(() => {
        if (entries.get(key) === entry) entries.delete(key)
        stop(entry)
      }, RELEASE_MS)
    }
    const entry: Own = {
      get parts() {
        return parts()
      },
      changed,
      get: () => view(parts()?.get() ?? early(obstacleOf(core.status.get()))),
      subscribe(listener) {
        users += 1
        clearTimeout(timer)
        // It may have been released between a render and this.
        entries.set(key, entry)
        const off = changes.on(listener)
        start(entry)
        let isOff = false
        return () => {
          if (isOff) return
          isOff = true
          off()
          users -= 1
          if (users === 0) releaseLater()
        }
      },
    }
    releaseLater()
    return entry
  }
  return {
    entry(key, plan) {
      const existing = entries.get(key)
      if (existing !== undefined) return existing
      const made = makeEntry(key, plan())
      entries.set(key, made)
      return made
    },
    values: () => entries.values(),
  }
}

/** The same result for as long as it is asked for the same. */
function memoised<T, V>(make: (from: T) => V): (from: T) => V {
  let last: { readonly from: T; readonly made: V } | null = null
  return (from) => {
    if (last === null || last.from !== from) last = { from, made: make(from) }
    return last.made
  }
}

function push(lists: Map<string, RunEvent[]>, key: string, event: RunEvent): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [event])
  else list.push(event)
}
