'use client'
import { type LogsView, type ObserveLogsOptions, observeLogs } from '@stepwell/core'
import { useMemo } from 'react'
import { useClient } from './context.js'
import { useObserver } from './use-observer.js'
import { useStable } from './use-stable.js'

export type UseRunLogsOptions = ObserveLogsOptions

const NO_OPTIONS: UseRunLogsOptions = {}

/** A run's log, live, oldest line first. Without an id it is empty. */
export function useRunLogs(
  runId: string | null | undefined,
  options: UseRunLogsOptions = NO_OPTIONS,
): LogsView {
  const client = useClient('useRunLogs()')
  const stable = useStable(options)
  const observer = useMemo(() => observeLogs(client, runId, stable), [client, runId, stable])
  return useObserver(observer)
}
