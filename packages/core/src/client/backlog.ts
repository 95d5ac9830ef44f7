/** What a subscriber has not taken yet, bounded: one that never takes anything must not fill the page's memory. */
import type { RunEvent } from '../generated/protocol.js'
import type { UntypedSnapshot } from './subscribe.js'

/** About 20,000 events without text; log lines count with theirs. */
const SIZE_MAX = 4 * 1024 * 1024
const ITEM_SIZE = 200

type Item = RunEvent | UntypedSnapshot

export interface Backlog {
  /** @returns whether there was room; where there was none, nothing is left. */
  add(item: Item): boolean
  shift(): Item | undefined
  clear(): void
}

/** In order. Of several events that tell the run's progress only the latest is kept. */
export function createBacklog(): Backlog {
  const items = new Set<Item>()
  let progress: Item | null = null
  let size = 0

  const remove = (item: Item) => {
    if (items.delete(item)) size -= sizeOf(item)
    if (item === progress) progress = null
  }
  const clear = () => {
    items.clear()
    progress = null
    size = 0
  }
  return {
    add(item) {
      if (item.type === 'run:progress') {
        if (progress !== null) remove(progress)
        progress = item
      }
      items.add(item)
      size += sizeOf(item)
      if (size <= SIZE_MAX) return true
      clear()
      return false
    },
    shift() {
      const [first] = items
      if (first !== undefined) remove(first)
      return first
    },
    clear,
  }
}

function sizeOf(item: Item): number {
  if (item.type !== 'log:write') return ITEM_SIZE
  const { message, data = '' } = item.log
  return ITEM_SIZE + message.length + data.length
}
