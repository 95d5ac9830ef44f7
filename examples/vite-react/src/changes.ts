/**
 * How long this page was without an engine that answers, the last time that the engine changed: because the leading tab
 * went, or because it crashed. Outside React, so that it is known on every view.
 */
import { useSyncExternalStore } from 'react'
import { stepwell } from './stepwell.ts'

export interface Change {
  readonly ms: number
  readonly kind: 'took-over' | 'other-took-over' | 'restarted'
  /** Rises with each. */
  readonly epoch: number
}

type Status = typeof stepwell.status

let last: Change | null = null
let before: Status | null = null
/** Since when there has been none, by the page's own clock. */
let goneAt: number | null = null
const listeners = new Set<() => void>()
let off: (() => void) | null = null

export function useLastChange(): Change | null {
  return useSyncExternalStore(subscribe, () => last)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  off ??= stepwell.onStatus(onStatus)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    off?.()
    off = null
  }
}

function onStatus(status: Status): void {
  if (status.state !== 'ready') {
    goneAt ??= performance.now()
    return
  }
  if (
    before !== null &&
    goneAt !== null &&
    status.epoch !== null &&
    status.epoch !== before.epoch
  ) {
    last = { ms: performance.now() - goneAt, kind: kindOf(before, status), epoch: status.epoch }
    for (const listener of listeners) listener()
  }
  before = status
  goneAt = null
}

function kindOf(before: Status, now: Status): Change['kind'] {
  if (now.role !== 'leader') return 'other-took-over'
  return before.role === 'leader' ? 'restarted' : 'took-over'
}
