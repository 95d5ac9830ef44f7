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

export type UseJobOptions = ObserveJobOptions

/**
 * A job and its current run, live: the run that this component triggered, or the active one that it found, as after a
 * reload. The job is named by its definition or by its name.
 */
export function useJob<const R extends AnyJob | RegisteredJobs['name']>(
  job: R,
  { autoResume, initialRunId }: UseJobOptions = {},
): JobView<Resolve<RegisteredJobs, R>> {
  const client = useClient('useJob()')
  // By the options' values: users write a new object in each render.
  const observer = useMemo(
    () =>
      observeJob<Resolve<RegisteredJobs, R>>(client, job, {
        ...(autoResume === undefined ? {} : { autoResume }),
        ...(initialRunId === undefined ? {} : { initialRunId }),
      }),
    [client, job, autoResume, initialRunId],
  )
  return useObserver(observer)
}
