/** The hooks, with the client registered: a job by definition and by name is the same. */
import type {
  ChildView,
  Progress,
  RunFailure,
  SignalDisposition,
  StepwellError,
  WaitingFor,
} from '@stepwell/core'
import {
  StepwellProvider,
  useJob,
  useRun,
  useRunLogs,
  useRuns,
  useSignal,
  useStepwell,
  useStepwellStatus,
} from '@stepwell/react'
import type { ReactNode } from 'react'
import { same } from './assert.js'
import { stepwell } from './client.js'
import { importCsv, ping, resize } from './jobs.js'

declare module '@stepwell/core' {
  interface Register {
    client: typeof stepwell
  }
}

export function Root({ children }: { children: ReactNode }): ReactNode {
  return <StepwellProvider client={stepwell}>{children}</StepwellProvider>
}

export function NoClient(): ReactNode {
  // @ts-expect-error a provider needs a client
  return <StepwellProvider>text</StepwellProvider>
}

export function WrongClient(): ReactNode {
  // @ts-expect-error and not the jobs
  return <StepwellProvider client={{ importCsv }}>text</StepwellProvider>
}

export function Jobs(): ReactNode {
  const job = useJob(importCsv)
  const named = useJob('import-csv')
  same<typeof named, typeof job>()
  same<Parameters<typeof job.trigger>[0], { url: string; limit?: number | undefined }>()
  job.trigger({ url: '/a.csv' })
  // @ts-expect-error the input is needed
  job.trigger()
  // @ts-expect-error a wrong type in the input
  named.trigger({ url: 7 })
  useJob(ping).trigger()
  // @ts-expect-error no input is wanted
  useJob(ping).trigger('hello')
  // @ts-expect-error no job of that name
  useJob('import-pdf')
  // @ts-expect-error a text
  useJob(importCsv, { initialRunId: 7 })
  // @ts-expect-error there is no such option
  useJob(importCsv, { autoResum: false })
  useJob(importCsv, { autoResume: false })

  // @ts-expect-error only a completed run has an output
  job.output.pages
  // @ts-expect-error only a failed or unreachable one has an error
  job.error.message
  if (job.status === 'completed') {
    same<typeof job.output, { pages: number; at: number }>()
    same<typeof job.run.input, { url: string; limit: number }>()
    same<typeof job.isTerminal, true>()
  } else if (job.status === 'failed') {
    same<typeof job.error, RunFailure>()
    // @ts-expect-error a failed run has no output
    job.output.pages
  } else if (job.status === 'unavailable') {
    same<typeof job.error, StepwellError>()
    same<typeof job.run, null>()
  } else if (job.status === 'running') {
    same<typeof job.isActive, true>()
    same<typeof job.progress, Progress | null>()
  } else if (job.status === 'loading') {
    same<typeof job.isLoading, true>()
    // @ts-expect-error no run before the first answer
    job.run.id
  }
  if (job.isActive) same<typeof job.status, 'pending' | 'running' | 'waiting'>()
  // @ts-expect-error no such status
  if (job.status === 'done') return null
  same<typeof job.runId, string | null>()
  same<typeof job.triggerError, StepwellError | null>()
  return job.progress?.current ?? 'none'
}

export function Waits(): ReactNode {
  const { triggerAndWait } = useJob(resize)
  const go = async () => {
    const { output } = await triggerAndWait({ width: '40' })
    same<typeof output, string>()
    // @ts-expect-error what the schema takes, not what it makes
    triggerAndWait({ width: 40 })
  }
  return (
    <button type="button" onClick={go}>
      Go
    </button>
  )
}

export function Runs({ id }: { id: string | null }): ReactNode {
  const run = useRun<typeof importCsv>(id)
  if (run.status === 'completed') same<typeof run.output, { pages: number; at: number }>()
  // @ts-expect-error `useRun` shows a run and triggers none
  run.trigger()
  // @ts-expect-error an id is a text
  useRun(7)

  // One of the registered jobs: narrow by its name.
  const any = useRun(id)
  if (any.run?.jobName === 'resize') {
    const { input } = any.run
    same<typeof input, { width: number }>()
  }

  const percent = useRun(id, { select: (view) => view.progress?.current ?? 0 })
  same<typeof percent, number>()
  const isDone = useRun<typeof importCsv, boolean>(id, { select: (view) => view.isTerminal })
  same<typeof isDone, boolean>()
  // @ts-expect-error the view has no such field
  useRun(id, { select: (view) => view.percent })
  return percent
}

export function Rest({ id }: { id: string | undefined }): ReactNode {
  const { logs, droppedCount, hasOlder, loadOlder, clear } = useRunLogs(id, { level: 'warn' })
  same<(typeof logs)[number]['level'], 'debug' | 'info' | 'warn' | 'error'>()
  same<typeof droppedCount, number>()
  same<typeof hasOlder, boolean>()
  same<typeof loadOlder, () => Promise<void>>()
  same<typeof clear, () => void>()
  // @ts-expect-error no such level
  useRunLogs(id, { level: 'fatal' })
  // @ts-expect-error a number
  useRunLogs(id, { limit: '10' })

  same<ReturnType<typeof useStepwell>, typeof stepwell>()
  // @ts-expect-error the registered client knows its jobs
  useStepwell().trigger('import-pdf', {})

  const { state, storage } = useStepwellStatus()
  same<typeof state, 'connecting' | 'ready' | 'unavailable' | 'closed'>()
  // @ts-expect-error no such storage
  if (storage === 'cloud') return null
  return storage
}

export function Waiting({ id }: { id: string | null }): ReactNode {
  const run = useRun<typeof importCsv>(id)
  same<typeof run.waitingFor, WaitingFor | null>()
  same<typeof run.children, readonly ChildView[]>()
  if (run.status === 'waiting') same<typeof run.waitingFor, WaitingFor>()
  if (run.status === 'running') same<typeof run.waitingFor, null>()
  same<ReturnType<typeof useJob<typeof importCsv>>['children'], readonly ChildView[]>()

  const key = run.waitingFor?.kind === 'signal' ? run.waitingFor.key : null
  const { send, isSending, disposition, error } = useSignal<{ isApproved: boolean }>(key)
  same<typeof isSending, boolean>()
  same<typeof disposition, SignalDisposition | null>()
  same<typeof error, StepwellError | null>()
  send({ isApproved: true })
  send(new Error('no'))
  // @ts-expect-error the value is needed
  send()
  // @ts-expect-error of the type that was named
  send({ isApproved: 'yes' })
  // @ts-expect-error a key is a text
  useSignal(7)
  useSignal(undefined).send()

  useRuns({ parent: id })
  useRuns({ job: ping, parent: null })
  // @ts-expect-error an id, or null for runs that have none
  useRuns({ parent: 7 })
  return null
}
