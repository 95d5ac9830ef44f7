/** Making runs: `trigger`, `batchTrigger`, `retrigger`. Everything is checked before anything is sent. */
import type { Encoded } from '../codec/codec.js'
import type { Connection } from '../connection.js'
import { isStepwellError, StepwellError } from '../errors.js'
import type { TriggerResult } from '../generated/protocol.js'
import type { JobDefinition } from '../job.js'
import { invalid, shown } from '../options.js'
import { validate } from '../schema.js'
import type { UntypedRun } from './convert.js'
import type { UntypedTriggered } from './core.js'
import { idsOf, newTrigger, type Prepared } from './new-trigger.js'
import { type Jobs, resolveJob } from './resolve.js'
import { checkTriggerOptions } from './trigger-options.js'
import { isTerminal } from './wait.js'

const BATCH_MAX = 1000

export interface TriggerContext {
  readonly connection: Connection
  readonly jobs: Jobs
  encode(value: unknown, what: string): Encoded
  toTriggered(result: TriggerResult): Promise<UntypedTriggered>
  /** Rejects with `not_found`. */
  runOf(runId: string): Promise<UntypedRun>
}

export async function trigger(
  context: TriggerContext,
  job: unknown,
  input: unknown,
  options: unknown,
): Promise<UntypedTriggered> {
  const { run, blobs } = await prepare(context, resolveJob(context.jobs, job), input, options)
  const { result } = await context.connection.request({ type: 'trigger', run }, blobs)
  return context.toTriggered(result)
}

/** All or nothing: one command, and so one transaction. */
export async function batchTrigger(
  context: TriggerContext,
  job: unknown,
  items: unknown,
): Promise<readonly UntypedTriggered[]> {
  const definition = resolveJob(context.jobs, job)
  if (!Array.isArray(items)) {
    throw invalid(`batchTrigger takes a list of items { input, … }, and got ${shown(items)}.`)
  }
  if (items.length > BATCH_MAX) {
    throw invalid(
      `The items of batchTrigger may be ${BATCH_MAX}, and are ${items.length}. Trigger several batches.`,
    )
  }
  if (items.length === 0) return []
  // Side by side, for a schema may ask a server; the first item that is wrong is told, whichever is found wrong first.
  const prepared = await Promise.allSettled(
    Array.from(items, (item) => prepareItem(context, definition, item)),
  )
  const ready = prepared.map((outcome, index) => {
    if (outcome.status === 'rejected') throw atIndex(index, outcome.reason)
    return outcome.value
  })
  const runs = ready.map(({ run }) => run)
  const blobs = ready.flatMap((each) => each.blobs)
  const { results } = await context.connection
    .request({ type: 'batchTrigger', runs }, blobs)
    .catch((reason: unknown) => {
      throw inWordsOfCaller(reason)
    })
  return Promise.all(results.map(context.toTriggered))
}

/** The stored input is what the schema once made; today's schema must take it. */
export async function retrigger(context: TriggerContext, runId: string): Promise<UntypedTriggered> {
  const old = await context.runOf(runId)
  if (!isTerminal(old.status)) {
    throw new StepwellError(
      'conflict',
      `The run ${runId} is ${old.status}: only a run that has ended can be triggered again. Wait for it, or cancel it.`,
    )
  }
  const job = resolveJob(context.jobs, old.jobName)
  const what = `The stored input of run ${runId} of job ${JSON.stringify(job.name)}`
  const input = job.input === undefined ? old.input : await validate(job.input, old.input, what)
  const { payload, blobs } = context.encode(input, what)
  const command = { type: 'retrigger' as const, runId, input: payload, blobs: idsOf(blobs) }
  const { result } = await context.connection.request(command, blobs)
  return context.toTriggered(result)
}

async function prepareItem(
  context: TriggerContext,
  job: JobDefinition,
  item: unknown,
): Promise<Prepared> {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    throw invalid(
      `an item is an object { input, … } with options beside input, and is ${shown(item)}.`,
    )
  }
  const { input, ...options } = { input: undefined, ...item }
  return prepare(context, job, input, options, 'batchTrigger')
}

function prepare(
  { encode }: TriggerContext,
  job: JobDefinition,
  input: unknown,
  options: unknown,
  what = 'trigger',
): Promise<Prepared> {
  return newTrigger(encode, job, input, checkTriggerOptions(options, what), what)
}

function atIndex(index: number, reason: unknown): unknown {
  if (!isStepwellError(reason)) return reason
  const { code, message, issues, cause } = reason
  return new StepwellError(code, `items[${index}]: ${message}`, { issues, cause })
}

/** The engine knows them as `runs`, the caller as `items`. */
function inWordsOfCaller(reason: unknown): unknown {
  if (!isStepwellError(reason) || !reason.message.startsWith('runs[')) return reason
  return new StepwellError(reason.code, reason.message.replace('runs[', 'items['))
}
