/** What a job's function can wait for, and what the client shows and takes of it. */
import {
  defineJob,
  type JobStep,
  NonRetryableError,
  RetryAfterError,
  type RetryPolicy,
  type RunFailure,
  type Settled,
  type SignalDisposition,
  type StepKind,
  type WaitingFor,
} from '@stepwell/core'
import { same } from './assert.js'
import { stepwell } from './client.js'
import { bill, importCsv, ping, resize, shout } from './jobs.js'

defineJob({
  name: 'options',
  retry: { maxAttempts: 3, initialDelay: '1s', factor: 1.5, maxDelay: '1m', jitter: 0 },
  timeout: '5m',
  network: 'online',
  run: () => undefined,
})
// @ts-expect-error how many attempts is needed
defineJob({ name: 'a', retry: { initialDelay: '1s' }, run: () => 1 })
// @ts-expect-error not a duration
defineJob({ name: 'a', retry: { maxAttempts: 2, maxDelay: 'long' }, run: () => 1 })
// @ts-expect-error options, not a number
defineJob({ name: 'a', retry: 3, run: () => 1 })
// @ts-expect-error not a duration
defineJob({ name: 'a', timeout: 'long', run: () => 1 })
// @ts-expect-error one word
defineJob({ name: 'a', network: true, run: () => 1 })

export async function waits(step: JobStep): Promise<void> {
  const options = { retry: { maxAttempts: 3 }, timeout: '30s', network: 'online' } as const
  same<number, Awaited<ReturnType<typeof run>>>()
  function run() {
    return step.run('run', () => 3, options)
  }
  same<void, Awaited<ReturnType<typeof step.sleep>>>()
  await step.sleep('sleep', '10s')
  await step.sleepUntil('until', new Date())
  // @ts-expect-error not a duration
  step.sleep('sleep', 'soon')
  // @ts-expect-error a moment is a Date or a number
  step.sleepUntil('until', '2027-01-01')

  const signal = await step.waitForSignal<{ by: string }>('approved', { key: 'k', timeout: '7d' })
  if (signal.received) same<typeof signal.value, { by: string }>()
  else same<typeof signal.reason, 'timeout'>()
  const any = await step.waitForSignal('any')
  if (any.received) same<typeof any.value, unknown>()
  // @ts-expect-error only one that came has a value
  any.value

  const squares = await step.map('square', [1, 2], (n, { signal: aborts }, index) => {
    same<typeof aborts, AbortSignal>()
    same<typeof index, number>()
    return `${n}`
  })
  same<typeof squares, string[]>()
  await step.map('square', [1, 2], (n) => n, { concurrency: 2, ...options })
}

export async function children(step: JobStep): Promise<void> {
  const { pages } = await step.invoke('import', importCsv, { url: '/a.csv' })
  same<typeof pages, number>()
  same<Awaited<ReturnType<typeof pinged>>, 'pong'>()
  function pinged() {
    return step.invoke('ping', ping)
  }
  await step.invoke('bill', bill, 3, { labels: { tenant: 'a' }, delay: '1m', priority: 2 })
  // @ts-expect-error the labels are needed
  step.invoke('bill', bill, 3)
  // @ts-expect-error a wrong type in the input
  step.invoke('import', importCsv, { url: 7 })
  // @ts-expect-error a child is found by its parent
  step.invoke('ping', ping, undefined, { idempotencyKey: 'a' })

  const [csv, text] = await step.invokeAll('both', [
    { job: importCsv, input: { url: '/a.csv' } },
    { job: resize, input: { width: '4' } },
  ])
  same<typeof csv, { pages: number; at: number }>()
  same<typeof text, string>()
  const loud = await step.invokeAll(
    'loud',
    ['a', 'b'].map((input) => ({ job: shout, input })),
  )
  same<typeof loud, string[]>()
  const [settled] = await step.invokeAll('settled', [{ job: shout, input: 'a' }], {
    mode: 'settled',
  })
  same<typeof settled, Settled<string>>()
  if (settled.status === 'completed') same<typeof settled.output, string>()
  if (settled.status === 'failed') same<typeof settled.error, RunFailure>()
  // @ts-expect-error a wrong type in the input of one
  step.invokeAll('both', [{ job: shout, input: 7 }])
  // @ts-expect-error no such mode
  step.invokeAll('both', [{ job: shout, input: 'a' }], { mode: 'all' })
}

export function errors(): void {
  new NonRetryableError('no', { cause: new Error('why') })
  new RetryAfterError('later', { after: '5s' })
  new RetryAfterError('later', { after: new Date() })
  // @ts-expect-error when is needed
  new RetryAfterError('later')
  // @ts-expect-error not a duration
  new RetryAfterError('later', { after: 'soon' })
}

export async function runs(): Promise<void> {
  const run = await stepwell.getRun<typeof importCsv>('id')
  if (run === null) return
  same<typeof run.parentId, string | null>()
  same<typeof run.rootId, string>()
  same<typeof run.parentStep, string | null>()
  same<typeof run.childIndex, number | null>()
  same<typeof run.retry, RetryPolicy>()
  same<typeof run.timeoutMs, number | null>()
  if (run.status === 'waiting') same<typeof run.waitingFor, WaitingFor>()
  else same<typeof run.waitingFor, undefined>()
  if (run.status === 'failed') {
    same<(typeof run.error.causes)[number], { name: string; message: string }>()
  }
  await stepwell.getRuns({ parent: run.id })
  await stepwell.getRuns({ parent: null })
  // @ts-expect-error an id
  stepwell.getRuns({ parent: 7 })

  const [step] = await stepwell.getSteps('id')
  if (step === undefined) return
  same<typeof step.kind, StepKind>()
  same<typeof step.waitingFor, WaitingFor | undefined>()
}

export function shown(wait: WaitingFor): string | number | null {
  switch (wait.kind) {
    case 'retry':
      same<typeof wait.error, RunFailure>()
      return wait.attempt
    case 'sleep':
      return wait.until
    case 'signal':
      same<typeof wait.until, number | null>()
      return wait.key
    case 'children':
      return wait.count
    case 'network':
      return wait.stepName
  }
}

export async function signals(): Promise<void> {
  const { disposition } = await stepwell.signal('key', { by: 'Ada' })
  same<typeof disposition, SignalDisposition>()
  same<SignalDisposition, 'delivered' | 'kept' | 'ignored'>()
  await stepwell.signal('key', new Error('refused'))
  await stepwell.signal('key')
  // @ts-expect-error a key is a text
  stepwell.signal(7, 1)
}

export function events(): void {
  stepwell.on('run:wait', ({ waitingFor }) => same<typeof waitingFor, WaitingFor>())
  stepwell.on('run:resume', ({ attempt }) => same<typeof attempt, number>())
  stepwell.on('step:wait', ({ waitingFor, stepKind }) => {
    same<typeof waitingFor, WaitingFor>()
    same<typeof stepKind, StepKind>()
  })
  stepwell.on('step:retry', ({ until }) => same<typeof until, number>())
  stepwell.on('step:wake', ({ stepName }) => same<typeof stepName, string>())
  stepwell.on('step:cancel', ({ stepName }) => same<typeof stepName, string>())
  stepwell.on('step:complete', ({ stepKind }) => same<typeof stepKind, StepKind>())
  stepwell.on('run:trigger', ({ parentId }) => same<typeof parentId, string | undefined>())
  // @ts-expect-error no such event
  stepwell.on('run:sleep', () => {})
}
