/**
 * The children of a run as its view shows them: read once for all that there are, and once for those that a later step
 * makes; between that kept by events. A run that made none is never asked for any.
 */
import { atMost } from '../client/at-most.js'
import type { Commands } from '../client/core.js'
import { RUNS_LIMIT_MAX } from '../client/filters.js'
import type { RunEvent, RunPage } from '../generated/protocol.js'
import type { Step } from '../types.js'
import { createKnownChildren } from './children-known.js'
import type { ChildView } from './types.js'

/** How many lists of children a page reads at once: each may be of 1,000 runs. */
const READS_MAX = 4

export interface Children {
  /** The same array until something changes. */
  list(): readonly ChildView[]
  /** The run's steps as they are now: whether there is anything to be read. */
  follow(steps: readonly Step[]): void
  /** Events of children. */
  tell(events: readonly RunEvent[]): void
  /** Something may have been missed. */
  reset(): void
  forget(): void
}

export function createChildren(core: Commands, parentId: string, changed: () => void): Children {
  let known = createKnownChildren()
  /** Whether all of them are to be read. */
  let isWanted = false
  let isLoaded = false
  /** The reading under way. Its answers are void once it is forgotten. */
  let reading: object | null = null

  /** Those of which only events are known are the newest ones: a page of so many has them, unless others came since. */
  const readAll = async (self: object) => {
    while (isWanted || known.strangers.size > 0) {
      const isWhole = isWanted
      isWanted = false
      const asked = [...known.strangers]
      const limit = isWhole ? RUNS_LIMIT_MAX : Math.min(asked.length, RUNS_LIMIT_MAX)
      const page = await readChildren(core, parentId, limit)
      if (reading !== self) return
      known.read(page, isWhole)
      isLoaded ||= isWhole
      changed()
      for (const id of asked) {
        if (!known.strangers.has(id)) continue
        if (isWhole) known.strangers.delete(id)
        else isWanted = true
      }
    }
  }
  const read = () => {
    if (reading !== null) return
    const self = {}
    reading = self
    const end = () => {
      if (reading === self) reading = null
    }
    // One that fails is made up for by a reset, where the connection was lost, or by what is told next.
    readAll(self).then(end, end)
  }
  return {
    list: () => known.list(),
    follow(steps) {
      if (isLoaded || reading !== null || !steps.some(({ kind }) => kind === 'invoke')) return
      isWanted = true
      read()
    },
    tell(events) {
      let isChanged = false
      for (const event of events) if (known.tell(event)) isChanged = true
      if (isChanged) changed()
      if (known.strangers.size > 0) read()
    },
    reset() {
      if (!isLoaded && reading === null) return
      isWanted = true
      read()
    },
    forget() {
      known = createKnownChildren()
      reading = null
      isWanted = false
      isLoaded = false
    },
  }
}

const reads = new WeakMap<Commands, ReturnType<typeof atMost>>()

/** Without decoding what the children were given and returned: it is not shown. */
function readChildren(core: Commands, parentId: string, limit: number): Promise<RunPage> {
  const few = reads.get(core) ?? atMost(READS_MAX)
  reads.set(core, few)
  return few(async () => {
    const { page } = await core.connection.request({ type: 'getRuns', filter: { parentId, limit } })
    return page
  })
}
