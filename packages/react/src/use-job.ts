'use client'
import {
  type AnyJob,
  type JobView,
  type ObserveJobOptions,
  observeJob,
  type RegisteredJobs,
  type Resolve,
} from '@stepwell/core'
import { useInsertionEffect, useMemo } from 'react'
import { checkOptionsObject } from './check.js'
import { useClient } from './context.js'
import { useObserver } from './use-observer.js'
import { useStable } from './use-stable.js'

export type UseJobOptions<J extends AnyJob = AnyJob> = ObserveJobOptions<J>

/**
 * A job and its current run, live: the run that this component triggered, the active one that it found, as after a
 * reload, or with `followLatest` one that was triggered elsewhere. The job is named by its definition or by its name.
 *
 * Trigger options (`labels`, `concurrencyKey`, `priority`, …) are defaults for this hook's triggers; `labels` and
 * `concurrencyKey` also say which runs it takes for its own. A run that was deleted is `'missing'`; `reset` makes it
 * `'idle'`.
 */
export function useJob<const R extends AnyJob | RegisteredJobs['name']>(
  job: R,
  options?: UseJobOptions<Resolve<RegisteredJobs, R>>,
): JobView<Resolve<RegisteredJobs, R>>
export function useJob(job: AnyJob | string, options: UseJobOptions = {}): unknown {
  const client = useClient('useJob()')
  checkOptionsObject(options, 'useJob')
  const { autoResume, followLatest, initialRunId, labels, concurrencyKey } = options
  const shown = useStable({ autoResume, followLatest, initialRunId, labels, concurrencyKey })
  // Those options say which run is shown, and new ones begin anew. The rest is for the next trigger: a `startAt` that is
  // another one in each render must not lose the run.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `shown` stands for what matters of `options`
  const observer = useMemo(() => observeJob(client, job, options), [client, job, shown])
  // Before any effect or handler can trigger.
  useInsertionEffect(() => observer.setDefaults(options))
  return useObserver(observer)
}
