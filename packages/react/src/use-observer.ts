'use client'
import type { Observer } from '@stepwell/core'
import { useMemo, useSyncExternalStore } from 'react'

/**
 * What an observer shows now. Reading never connects; subscribing does, and React subscribes after the first paint and
 * never on a server.
 */
export function useObserver<T>(observer: Observer<T>): T {
  return useSyncExternalStore(observer.subscribe, observer.get, observer.getServer)
}

/** A part of it: the component renders again only when `select` gives something else. */
export function useSelected<T, V>(observer: Observer<T>, select: (value: T) => V): V {
  const [get, getServer] = useMemo(
    () => [memoised(observer.get, select), memoised(observer.getServer, select)] as const,
    [observer, select],
  )
  return useSyncExternalStore(observer.subscribe, get, getServer)
}

/** React wants the same reference while nothing changed, also where `select` makes a new object each time. */
function memoised<T, V>(get: () => T, select: (value: T) => V): () => V {
  let last: { value: T; selected: V } | null = null
  return () => {
    const value = get()
    if (last === null || !Object.is(last.value, value)) last = { value, selected: select(value) }
    return last.selected
  }
}
