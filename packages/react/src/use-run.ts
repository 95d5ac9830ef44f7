'use client'
import { type AnyJob, observeRun, type RegisteredJobs, type RunView } from '@stepwell/core'
import { useMemo } from 'react'
import { checkSelectOptions } from './check.js'
import { useClient } from './context.js'
import { useSelected } from './use-observer.js'

export interface UseRunOptions<J extends AnyJob, V> {
  /** What the component needs of the run: it renders again only when this changes (by `Object.is`). */
  readonly select: (view: RunView<J>) => V
}

/**
 * A run, live. Without an id it is `'idle'`. Never throws for a failed run: `status` is `'failed'` and `error` says why.
 * Name the job's type to have typed input and output: `useRun<typeof importCsv>(id)`.
 */
export function useRun<J extends AnyJob = RegisteredJobs>(
  runId: string | null | undefined,
): RunView<J>
export function useRun<J extends AnyJob = RegisteredJobs, V = unknown>(
  runId: string | null | undefined,
  options: UseRunOptions<J, V>,
): V
export function useRun<J extends AnyJob, V>(
  runId: string | null | undefined,
  options?: UseRunOptions<J, V>,
): RunView<J> | V {
  checkSelectOptions(options, 'useRun')
  const client = useClient('useRun()')
  const observer = useMemo(() => observeRun<J>(client, runId), [client, runId])
  return useSelected<RunView<J>, RunView<J> | V>(observer, options?.select ?? whole)
}

const whole = <T>(view: T): T => view
