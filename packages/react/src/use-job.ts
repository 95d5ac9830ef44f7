'use client'
import {
  type AnyJob,
  type JobView,
  type ObserveJobOptions,
  observeJob,
  type RegisteredJobs,
  type Resolve,
} from '@stepwell/core'
import { useMemo } from 'react'
import { useClient } from './context.js'
import { useObserver } from './use-observer.js'
import { useStable } from './use-stable.js'

export type UseJobOptions = ObserveJobOptions

const NO_OPTIONS: UseJobOptions = {}

/**
 * A job and its current run, live: the run that this component triggered, or the active one that it found, as after a
 * reload. The job is named by its definition or by its name.
 */
export function useJob<const R extends AnyJob | RegisteredJobs['name']>(
  job: R,
  options: UseJobOptions = NO_OPTIONS,
): JobView<Resolve<RegisteredJobs, R>> {
  const client = useClient('useJob()')
  const stable = useStable(options)
  const observer = useMemo(() => observeJob(client, job, stable), [client, job, stable])
  return useObserver(observer)
}
