/** The client: jobs by definition and by name, arguments by the job's input, runs by their status. */
import {
  createStepwell,
  type Disposition,
  type Run,
  type RunFailure,
  type Step,
  type StepwellError,
} from '@stepwell/core'
import { same } from './assert.js'
import { bill, importCsv, jobs, ping, resize, shout, sweep, tidy } from './jobs.js'

export const stepwell = createStepwell({
  jobs,
  worker: () => new Worker(new URL('./jobs.js', import.meta.url), { type: 'module' }),
  database: 'types',
  durability: 'strict',
  concurrency: 2,
})

// @ts-expect-error jobs are needed
createStepwell({ database: 'types' })
// @ts-expect-error one of two words
createStepwell({ jobs, durability: 'lax' })
// @ts-expect-error a number
createStepwell({ jobs, concurrency: '2' })
createStepwell({ jobs, retention: false })
createStepwell({ jobs, retention: '60m' })
// @ts-expect-error not a duration
createStepwell({ jobs, retention: 'long' })
// @ts-expect-error a function that makes the worker, not a worker
createStepwell({ jobs, worker: new Worker('jobs.js') })
// @ts-expect-error there is no such option
createStepwell({ jobs, databse: 'types' })
// @ts-expect-error leave an option out: undefined is no value for it
createStepwell({ jobs, database: undefined })

export async function triggers(): Promise<void> {
  const byJob = await stepwell.trigger(importCsv, { url: '/a.csv' })
  same<typeof byJob.id, string>()
  const byName = await stepwell.trigger('import-csv', { url: '/a.csv', limit: 3 })
  same<typeof byName, typeof byJob>()
  await stepwell.trigger(resize, { width: '40' })
  await stepwell.trigger(tidy, { depth: 1 })
  await stepwell.trigger('shout', 'hello')
  // No input, and one that may be left out.
  await stepwell.trigger(ping)
  await stepwell.trigger('ping')
  await stepwell.trigger('greet')
  await stepwell.trigger('greet', { name: 'Ada' })

  // @ts-expect-error the input is needed
  stepwell.trigger(importCsv)
  // @ts-expect-error also by name
  stepwell.trigger('import-csv')
  // @ts-expect-error a wrong type in the input
  stepwell.trigger(importCsv, { url: 7 })
  // @ts-expect-error a wrong type in the input, by name
  stepwell.trigger('import-csv', { url: 7 })
  // @ts-expect-error what the schema takes, not what it makes
  stepwell.trigger(resize, { width: 40 })
  // @ts-expect-error no input is wanted
  stepwell.trigger(ping, { url: '/a.csv' })
  // @ts-expect-error no job of that name
  stepwell.trigger('import-pdf', { url: '/a.csv' })
  // @ts-expect-error a trigger has no such option
  stepwell.trigger(shout, 'hello', { soon: true })
}

export async function options(): Promise<void> {
  const { disposition, run } = await stepwell.trigger(ping, undefined, {
    idempotencyKey: 'a',
    concurrencyKey: 'b',
    coalesce: 'skip',
    labels: { any: 'text' },
    delay: '5m',
    priority: -3,
  })
  same<typeof disposition, 'created' | 'idempotent' | 'coalesced'>()
  same<typeof run.concurrencyKey, string | null>()
  same<typeof run.startAt, number>()
  await stepwell.trigger('shout', 'x', { startAt: new Date() })
  await stepwell.trigger('shout', 'x', { startAt: 1_800_000_000_000 })
  // @ts-expect-error one word
  stepwell.trigger(ping, undefined, { coalesce: 'latest' })
  // @ts-expect-error a number
  stepwell.trigger(ping, undefined, { priority: '1' })
  // @ts-expect-error a time is a Date or a number
  stepwell.trigger(ping, undefined, { startAt: '2027-01-01' })
  // @ts-expect-error not a duration
  stepwell.trigger(ping, undefined, { delay: 'soon' })
  // @ts-expect-error labels are texts
  stepwell.trigger(ping, undefined, { labels: { any: 7 } })
  // @ts-expect-error leave a key out: undefined is no value for it
  stepwell.trigger(ping, undefined, { idempotencyKey: undefined })

  // With a schema for labels: its input.
  await stepwell.trigger(bill, 3, { labels: { tenant: 'a' } })
  await stepwell.trigger('bill', 3, { labels: { tenant: 'a', source: 'api' }, delay: '1s' })
  // @ts-expect-error the options are needed, for a label is
  stepwell.trigger(bill, 3)
  // @ts-expect-error the labels are needed
  stepwell.trigger('bill', 3, { delay: '1s' })
  // @ts-expect-error a label is missing
  stepwell.trigger(bill, 3, { labels: { source: 'web' } })
  // @ts-expect-error not one of the two
  stepwell.trigger(bill, 3, { labels: { tenant: 'a', source: 'fax' } })
  // @ts-expect-error no such label
  stepwell.trigger(bill, 3, { labels: { tenant: 'a', sauce: 'web' } })
  await stepwell.trigger(sweep)
  await stepwell.trigger(sweep, undefined, { labels: { reason: 'night' } })
}

export async function batches(): Promise<void> {
  const triggered = await stepwell.batchTrigger(importCsv, [
    { input: { url: '/a.csv' } },
    { input: { url: '/b.csv', limit: 3 }, priority: 2, idempotencyKey: 'b' },
  ])
  same<(typeof triggered)[number]['disposition'], Disposition>()
  same<(typeof triggered)[number]['run'], Run<typeof importCsv>>()
  await stepwell.batchTrigger('bill', [{ input: 3, labels: { tenant: 'a' } }])
  await stepwell.batchTrigger(ping, [{}, { delay: '1s' }])
  const inputs = ['a', 'b'].map((input) => ({ input }))
  await stepwell.batchTrigger(shout, inputs)
  // @ts-expect-error an item wraps its input
  stepwell.batchTrigger(shout, ['a', 'b'])
  // @ts-expect-error the input is needed
  stepwell.batchTrigger(importCsv, [{}])
  // @ts-expect-error a wrong type in the input
  stepwell.batchTrigger('import-csv', [{ input: { url: 7 } }])
  // @ts-expect-error the labels are needed
  stepwell.batchTrigger(bill, [{ input: 3 }])
  // @ts-expect-error no such option
  stepwell.batchTrigger(ping, [{ soon: true }])

  const again = await stepwell.retrigger<typeof importCsv>('id')
  same<typeof again, (typeof triggered)[number]>()
}

export async function deletions(): Promise<void> {
  same<Awaited<ReturnType<typeof stepwell.deleteRun>>, void>()
  const count = await stepwell.purgeRuns({ olderThan: '30d', limit: 100 })
  same<typeof count, number>()
  // @ts-expect-error the age is needed
  stepwell.purgeRuns({ limit: 100 })
  // @ts-expect-error not a duration
  stepwell.purgeRuns({ olderThan: 'old' })

  const file = await stepwell.exportDatabase({ blobs: true })
  await stepwell.importDatabase(file)
  await stepwell.importDatabase(new Blob([file]))
  // @ts-expect-error a file's bytes, not its name
  stepwell.importDatabase('backup.sqlite3')
}

export async function watches(): Promise<void> {
  for await (const update of stepwell.subscribe<typeof importCsv>('id')) {
    // @ts-expect-error only a snapshot has a run
    update.run
    if (update.type === 'snapshot') {
      same<typeof update.run, Run<typeof importCsv>>()
      same<typeof update.steps, readonly Step[]>()
    } else if (update.type === 'step:complete') {
      same<typeof update.stepName, string>()
    }
  }
}

export async function waits(): Promise<void> {
  const { output, disposition } = await stepwell.triggerAndWait(importCsv, { url: '/a.csv' })
  same<typeof output, { pages: number; at: number }>()
  same<typeof disposition, Disposition>()
  const named = await stepwell.triggerAndWait('resize', { width: '40' }, { timeout: '5m' })
  same<typeof named.output, string>()
  // @ts-expect-error not a duration
  stepwell.triggerAndWait('resize', { width: '40' }, { timeout: 'soon' })
  const billed = await stepwell.triggerAndWait(bill, 3, {
    labels: { tenant: 'a' },
    concurrencyKey: 'a',
    timeout: '5m',
  })
  same<typeof billed.disposition, Disposition>()
  // @ts-expect-error this job's labels are needed here too
  stepwell.triggerAndWait(bill, 3, { timeout: '5m' })

  const run = await stepwell.waitForRun<typeof importCsv>('id', { timeout: 1000 })
  same<typeof run.status, 'completed' | 'failed' | 'cancelled'>()
  if (run.status === 'completed') same<typeof run.output, { pages: number; at: number }>()
  else if (run.status === 'failed') same<typeof run.error, RunFailure>()
  // @ts-expect-error only a completed run has an output
  run.output.pages
  // @ts-expect-error an id is a text
  stepwell.waitForRun(7)
}

export async function reads(): Promise<void> {
  const run = await stepwell.getRun<typeof importCsv>('id')
  // @ts-expect-error there may be no such run
  run.status
  if (run === null) return
  same<typeof run.input, { url: string; limit: number }>()
  switch (run.status) {
    case 'completed':
      same<typeof run.output, { pages: number; at: number }>()
      same<typeof run.completedAt, number>()
      // @ts-expect-error a completed run has no error
      run.error.message
      break
    case 'failed':
      same<typeof run.error, RunFailure>()
      // @ts-expect-error a failed run has no output
      run.output.pages
      break
    case 'running':
      same<typeof run.completedAt, null>()
      break
  }

  // Of all jobs: narrow by name, then by status.
  const { runs, nextCursor } = await stepwell.getRuns()
  same<typeof nextCursor, string | null>()
  for (const each of runs) {
    if (each.jobName === 'resize' && each.status === 'completed') same<typeof each.output, string>()
    if (each.jobName === 'import-csv') same<typeof each.input, { url: string; limit: number }>()
    // @ts-expect-error no job of that name
    if (each.jobName === 'import-pdf') return
  }
  const some = await stepwell.getRuns({ job: ['resize', 'ping'], status: 'completed', limit: 10 })
  same<(typeof some.runs)[number]['jobName'], 'resize' | 'ping'>()
  const ofOne = await stepwell.getRuns({ job: importCsv, status: ['failed', 'cancelled'] })
  same<(typeof ofOne.runs)[number]['jobName'], 'import-csv'>()
  // @ts-expect-error no such status
  stepwell.getRuns({ status: 'done' })
  // @ts-expect-error no job of that name
  stepwell.getRuns({ job: 'import-pdf' })
  // @ts-expect-error a number
  stepwell.getRuns({ limit: '10' })
  await stepwell.getRuns({ labels: { tenant: 'a' }, createdAfter: new Date(), createdBefore: 1 })
  // @ts-expect-error labels are texts
  stepwell.getRuns({ labels: { tenant: 7 } })
  // @ts-expect-error a time is a Date or a number
  stepwell.getRuns({ createdAfter: 'yesterday' })

  const { logs } = await stepwell.getLogs('id', { level: 'warn', order: 'desc' })
  same<(typeof logs)[number]['stepName'], string | null>()
  // @ts-expect-error no such level
  stepwell.getLogs('id', { level: 'fatal' })
  const steps = await stepwell.getSteps('id', { outputs: true })
  same<(typeof steps)[number]['output'], unknown>()
}

export function listens(): void {
  stepwell.on('run:progress', (event) => same<typeof event.progress.current, number>())
  stepwell.on('step:complete', (event) => same<typeof event.stepName, string>())
  stepwell.on('run:coalesced', (event) => same<typeof event.skipped.concurrencyKey, string>())
  stepwell.on('run:delete', (event) => same<typeof event.runId, string>())
  stepwell.on('engine:error', (event) => same<typeof event.error, StepwellError>())
  const off = stepwell.on('*', (event) => {
    // @ts-expect-error not every event has a step
    event.stepName
    if (event.type === 'step:fail') same<typeof event.stepName, string>()
  })
  same<typeof off, () => void>()
  // @ts-expect-error no such event
  stepwell.on('run:done', () => {})
  // @ts-expect-error progress has no step
  stepwell.on('run:progress', (event) => event.stepName)
  same<typeof stepwell.status.role, 'leader' | 'follower' | 'none'>()
}
