/** Lists of runs, runs behind Suspense, and what the hooks take for a trigger: with the client registered. */
import { defineJob, type RunFailure, type StepwellError } from '@stepwell/core'
import { useJob, useRun, useRuns, useSuspenseRun } from '@stepwell/react'
import type { ReactNode } from 'react'
import { z } from 'zod'
import { same } from './assert.js'
import { importCsv } from './jobs.js'

const labelled = defineJob({
  name: 'labelled',
  labels: z.object({ tenant: z.string(), source: z.enum(['button', 'menu']).optional() }),
  run: (_step, input: number) => input,
})

export function Lists(): ReactNode {
  // Of all jobs: narrow by name, then by status.
  const { runs, status, error, hasNextPage, isFetchingNextPage, fetchNextPage } = useRuns()
  same<typeof status, 'loading' | 'ready' | 'unavailable'>()
  same<typeof error, StepwellError | null>()
  same<typeof hasNextPage, boolean>()
  same<typeof isFetchingNextPage, boolean>()
  same<typeof fetchNextPage, () => Promise<void>>()
  for (const run of runs) {
    if (run.jobName === 'resize') {
      same<typeof run.input, { width: number }>()
      if (run.status === 'completed') same<typeof run.output, string>()
      if (run.status === 'failed') same<typeof run.error, RunFailure>()
    }
    if (run.jobName === 'import-csv' && run.status === 'completed') {
      same<typeof run.output, { pages: number; at: number }>()
    }
    // @ts-expect-error no job of that name
    same<typeof run.jobName, 'import-pdf'>()
    // @ts-expect-error the list is not to be written
    runs.push(run)
  }

  const some = useRuns({ job: ['resize', importCsv], status: ['pending', 'running'], limit: 10 })
  same<(typeof some.runs)[number]['jobName'], 'resize' | 'import-csv'>()
  const one = useRuns({ job: importCsv, labels: { tenant: 'a' }, createdAfter: new Date(0) })
  same<(typeof one.runs)[number]['jobName'], 'import-csv'>()
  // @ts-expect-error no job of that name
  useRuns({ job: 'import-pdf' })
  // @ts-expect-error no such status
  useRuns({ status: 'done' })
  // @ts-expect-error labels are texts
  useRuns({ labels: { tenant: 7 } })
  // @ts-expect-error pages are turned by `fetchNextPage`
  useRuns({ cursor: 'x' })
  // @ts-expect-error a number
  useRuns({ limit: '10' })
  // @ts-expect-error a time
  useRuns({ createdBefore: 'yesterday' })
  return null
}

export function Suspended({ id }: { id: string }): ReactNode {
  const run = useSuspenseRun<typeof importCsv>(id)
  const any = useSuspenseRun(id)
  const percent = useSuspenseRun(id, { select: (view) => view.progress?.current ?? 0 })
  // @ts-expect-error there must be an id: `useRun` is for those that may have none
  useSuspenseRun(null)
  same<
    typeof run.status,
    'missing' | 'pending' | 'running' | 'waiting' | 'completed' | 'failed' | 'cancelled'
  >()
  same<typeof run.isLoading, false>()
  if (run.status === 'completed') same<typeof run.output, { pages: number; at: number }>()
  // @ts-expect-error it suspends
  if (run.status === 'loading') return null
  // @ts-expect-error it throws
  if (run.status === 'unavailable') return null
  if (any.run?.jobName === 'resize') {
    const { input } = any.run
    same<typeof input, { width: number }>()
  }
  same<typeof percent, number>()
  return percent
}

export function Triggers(): ReactNode {
  const job = useJob(importCsv, {
    labels: { tenant: 'a' },
    concurrencyKey: 'a',
    coalesce: 'skip',
    idempotencyKey: 'i',
    priority: 3,
    delay: '10s',
    autoResume: true,
    followLatest: true,
    initialRunId: 'x',
  })
  job.trigger({ url: '/a.csv' }, { labels: { source: 'x' }, startAt: new Date(), priority: 1 })
  // @ts-expect-error not a duration
  useJob(importCsv, { delay: 'soon' })
  // @ts-expect-error one word
  useJob(importCsv, { concurrencyKey: 'a', coalesce: 'merge' })
  // @ts-expect-error a number
  useJob(importCsv, { priority: 'high' })
  // @ts-expect-error labels are texts
  useJob(importCsv, { labels: { tenant: 7 } })
  // @ts-expect-error true or false
  useJob(importCsv, { followLatest: 'yes' })
  // @ts-expect-error a trigger has no such option
  job.trigger({ url: '/a.csv' }, { soon: true })

  // The labels of the job's schema; those that it needs may come from the hook or from the call.
  const typed = useJob(labelled, { labels: { tenant: 'a' } })
  typed.trigger(1)
  typed.trigger(1, { labels: { source: 'menu' } })
  // @ts-expect-error the schema has no such label
  useJob(labelled, { labels: { tenat: 'a' } })
  // @ts-expect-error a text
  useJob(labelled, { labels: { tenant: 7 } })
  // @ts-expect-error one of two
  typed.trigger(1, { labels: { source: 'keyboard' } })
  return null
}

export function Again(): ReactNode {
  const run = useRun<typeof importCsv>('x')
  const { retrigger } = useJob('import-csv')
  same<typeof retrigger, typeof run.retrigger>()
  const go = async () => {
    const { id, disposition, run: fresh } = await retrigger()
    same<typeof id, string>()
    same<typeof disposition, 'created' | 'idempotent' | 'coalesced'>()
    same<typeof fresh.input, { url: string; limit: number }>()
  }
  return (
    <button type="button" onClick={go}>
      Again
    </button>
  )
}
