/**
 * Entries that several components share, by key. An entry outlives its last user for a while and goes on listening, so
 * that a component that is mounted again shows the current state in its first paint.
 */
import type { ClientCore } from '../client/core.js'
import { createEmitter } from '../client/emitter.js'
import type { RunEvent } from '../generated/protocol.js'

const RELEASE_MS = 30_000

/** What a kind of entry brings; `changed` of its maker tells the listeners. */
export interface EntryParts<V> {
  get(): V
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

export interface Entry<V, P extends EntryParts<V>> {
  readonly parts: P
  subscribe(listener: () => void): () => void
}

export interface Cache<V, P extends EntryParts<V>> {
  /** The entry of that key, made where there is none. */
  entry(key: string, make: (changed: () => void) => P): Entry<V, P>
  /** All that are known. */
  values(): Iterable<P>
}

export function createCache<V, P extends EntryParts<V>>(core: ClientCore): Cache<V, P> {
  const entries = new Map<string, Entry<V, P>>()
  const started = new Set<P>()
  let detach: (() => void) | null = null

  const route = (events: readonly RunEvent[]) => {
    const byRun = new Map<string, RunEvent[]>()
    const byParent = new Map<string, RunEvent[]>()
    for (const event of events) {
      push(byRun, event.runId, event)
      if (event.parentId !== undefined) push(byParent, event.parentId, event)
    }
    for (const parts of started) {
      const own = parts.runId === null ? events : byRun.get(parts.runId)
      if (own !== undefined) parts.onEvents(own)
      if (parts.runId === null || byParent.size === 0) continue
      const ofChildren = byParent.get(parts.runId)
      if (ofChildren !== undefined) parts.onChildEvents?.(ofChildren)
    }
  }
  const forAll = (call: (parts: P) => void) => () => {
    for (const parts of [...started]) call(parts)
  }
  const attach = () => {
    if (detach !== null) return
    const { connection } = core
    connection.connect()
    const offs = [
      connection.onEvents(route),
      connection.onReset(forAll((parts) => parts.onReset())),
      connection.status.subscribe(forAll((parts) => parts.onStatus())),
    ]
    detach = () => {
      for (const off of offs) off()
      detach = null
    }
  }
  const start = (parts: P) => {
    if (started.has(parts)) return
    attach()
    started.add(parts)
    parts.start()
  }
  const stop = (parts: P) => {
    if (!started.delete(parts)) return
    parts.stop()
    if (started.size === 0) detach?.()
  }
  const makeEntry = (key: string, make: (changed: () => void) => P): Entry<V, P> => {
    const changes = createEmitter<void>()
    const parts = make(() => changes.emit())
    let users = 0
    let timer: ReturnType<typeof setTimeout> | undefined
    const releaseLater = () => {
      clearTimeout(timer)
      timer = setTimeout(() => {
        if (entries.get(key) === entry) entries.delete(key)
        stop(parts)
      }, RELEASE_MS)
    }
    const entry: Entry<V, P> = {
      parts,
      subscribe(listener) {
        users += 1
        clearTimeout(timer)
        // It may have been released between a render and this.
        entries.set(key, entry)
        const off = changes.on(listener)
        start(parts)
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
    entry(key, make) {
      const existing = entries.get(key)
      if (existing !== undefined) return existing
      const made = makeEntry(key, make)
      entries.set(key, made)
      return made
    },
    *values() {
      for (const { parts } of entries.values()) yield parts
    },
  }
}

function push(lists: Map<string, RunEvent[]>, key: string, event: RunEvent): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [event])
  else list.push(event)
}
