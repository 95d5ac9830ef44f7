'use client'
import { observeSignal, type SignalView } from '@stepwell/core'
import { useMemo } from 'react'
import { useClient } from './context.js'
import { useObserver } from './use-observer.js'

/**
 * Sends a signal to the run that waits for that key: `useSignal(waitingFor.key)`, or the key that the job gave to
 * `step.waitForSignal`. An `Error` makes the wait throw. What the hook shows is what it sent itself; another key begins
 * anew. Without a key `send` rejects. Name the value's type to have it checked: `useSignal<Decision>(key)`.
 */
export function useSignal<T = unknown>(key: string | null | undefined): SignalView<T> {
  const client = useClient('useSignal()')
  return useObserver(useMemo(() => observeSignal<T>(client, key), [client, key]))
}
