'use client'
import { type LogsView, type ObserveLogsOptions, observeLogs } from '@stepwell/core'
import { useMemo } from 'react'
import { useClient } from './context.js'
import { useObserver } from './use-observer.js'

export type UseRunLogsOptions = ObserveLogsOptions

/** A run's log, live, oldest line first. Without an id it is empty. */
export function useRunLogs(
  runId: string | null | undefined,
  { level, limit }: UseRunLogsOptions = {},
): LogsView {
  const client = useClient('useRunLogs()')
  // By the options' values: users write a new object in each render.
  const observer = useMemo(
    () =>
      observeLogs(client, runId, {
        ...(level === undefined ? {} : { level }),
        ...(limit === undefined ? {} : { limit }),
      }),
    [client, runId, level, limit],
  )
  return useObserver(observer)
}
