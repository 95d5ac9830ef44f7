/** The commands of a client on untyped values: checks what the caller gave, asks the engine, converts the answer. */
import type { Codec, ReadBlobs } from '../codec/codec.js'
import type { Connection } from '../connection.js'
import { StepwellError } from '../errors.js'
import type { BlobId, Run as WireRun } from '../generated/protocol.js'
import type { AnyJob } from '../infer.js'
import { isJob, type JobDefinition } from '../job.js'
import {
  checkBoolean,
  checkInteger,
  checkOneOf,
  checkOptions,
  checkText,
  shown,
} from '../options.js'
import { validate } from '../schema.js'
import type { LogLine, RunStatus } from '../types.js'
import {
  blobIdsOfRuns,
  blobIdsOfSteps,
  toLogLine,
  toRun,
  toStep,
  type UntypedRun,
} from './convert.js'
import type { ClientCore, UntypedTriggered } from './core.js'
import type { LogsFilter } from './types.js'
import { notFound, waitForRun } from './wait.js'

const RUNS_LIMIT = 50
const RUNS_LIMIT_MAX = 1000
const LOGS_LIMIT = 1000
export const LOGS_LIMIT_MAX = 10_000
const ID_LENGTH_MAX = 200
const NAMES_SHOWN_MAX = 20

const STATUSES: readonly RunStatus[] = [
  'pending',
  'running',
  'waiting',
  'completed',
  'failed',
  'cancelled',
]
export const LEVELS = ['debug', 'info', 'warn', 'error'] as const

type Jobs = ReadonlyMap<string, AnyJob>

export interface Commands extends Omit<ClientCore, 'crash' | 'serverStatus'> {
  checkStepsOptions(options: unknown): boolean
}

export function createCommands(connection: Connection, jobs: Jobs, codec: Codec): Commands {
  const toRuns = (runs: readonly WireRun[]) => convertRuns(connection, codec, runs)
  const toOneRun = (run: WireRun) => convertRun(connection, codec, run)
  const getRun = async (runId: string) => {
    checkRunId(runId)
    const { run } = await connection.request({ type: 'getRun', runId })
    return run === undefined ? null : toOneRun(run)
  }
  const fullLine = async (line: LogLine) => {
    const query = {
      runId: line.runId,
      level: undefined,
      order: 'asc' as const,
      cursor: line.id - 1,
      limit: 1,
    }
    const { page } = await connection.request({ type: 'getLogs', query })
    const found = page.logs.find(({ id }) => id === line.id)
    return found === undefined ? line : toLogLine(codec, found)
  }
  const change = async (type: 'cancel' | 'retry', runId: string) => {
    checkRunId(runId)
    const { run } = await connection.request({ type, runId })
    if (run === undefined) throw notFound(runId)
    return toOneRun(run)
  }
  return {
    connection,
    codec,
    status: connection.status,
    resolve: (job) => resolveJob(jobs, job),
    async trigger(job, input, options) {
      return trigger(connection, codec, resolveJob(jobs, job), input, options)
    },
    getRun,
    fullLine,
    checkStepsOptions: outputsOption,
    async getSteps(runId, outputs) {
      checkRunId(runId)
      const { steps } = await connection.request({ type: 'getSteps', runId, outputs })
      const blobs = await readBlobs(connection, blobIdsOfSteps(steps))
      return steps.map((step) => toStep(codec, step, blobs))
    },
    async getLogs(runId, filter) {
      checkRunId(runId)
      const query = { runId, ...logQuery(filter) }
      const { page } = await connection.request({ type: 'getLogs', query })
      return {
        logs: page.logs.map((line) => toLogLine(codec, line)),
        nextCursor: page.nextCursor ?? null,
      }
    },
    async getRuns(filter) {
      const { page } = await connection.request({
        type: 'getRuns',
        filter: runFilter(jobs, filter),
      })
      return { runs: await toRuns(page.runs), nextCursor: page.nextCursor ?? null }
    },
    async waitForRun(runId, options) {
      checkRunId(runId)
      return waitForRun({ connection, codec, getRun, fullLine }, runId, options)
    },
    cancel: (runId) => change('cancel', runId),
    retry: (runId) => change('retry', runId),
  }
}

/** Those that the engine still has: decoding says which one is missing. */
async function readBlobs(
  connection: Connection,
  ids: readonly BlobId[],
): Promise<ReadBlobs | undefined> {
  if (ids.length === 0) return undefined
  const found = new Map<BlobId, Blob>()
  const read = async (id: BlobId) => {
    const blob = await connection.readBlob(id)
    if (blob !== null) found.set(id, blob)
  }
  await Promise.all([...new Set(ids)].map(read))
  return found
}

async function convertRuns(
  connection: Connection,
  codec: Codec,
  runs: readonly WireRun[],
): Promise<UntypedRun[]> {
  const blobs = await readBlobs(connection, blobIdsOfRuns(runs))
  return runs.map((run) => toRun(codec, run, blobs))
}

async function convertRun(connection: Connection, codec: Codec, run: WireRun): Promise<UntypedRun> {
  return toRun(codec, run, await readBlobs(connection, blobIdsOfRuns([run])))
}

async function trigger(
  connection: Connection,
  codec: Codec,
  job: JobDefinition,
  input: unknown,
  options: unknown,
): Promise<UntypedTriggered> {
  checkOptions(options, 'trigger', [])
  const what = `The input of job ${JSON.stringify(job.name)}`
  const parsed = job.input === undefined ? input : await validate(job.input, input, what)
  const { payload, blobs } = codec.encode(parsed, what)
  const command = {
    type: 'trigger' as const,
    run: {
      jobName: job.name,
      input: payload,
      blobs: blobs.map(({ id }) => id),
      maxRecoveries: job.maxRecoveries,
      idempotencyKey: undefined,
      concurrencyKey: undefined,
      coalesce: false,
      labels: {},
      priority: 0,
      startAt: undefined,
      delayMs: undefined,
    },
  }
  const { result } = await connection.request(command, blobs)
  const { run, disposition } = result
  return { id: run.id, disposition, run: await convertRun(connection, codec, run) }
}

function resolveJob(jobs: Jobs, job: unknown): JobDefinition {
  const name = isJob(job) ? job.name : job
  if (typeof name !== 'string') {
    throw new StepwellError(
      'invalid_input',
      `A job is named by its definition or its name, and this is ${shown(job)}.`,
    )
  }
  const found = jobs.get(name)
  if (found !== undefined) return found['~definition']
  const names = [...jobs.keys()].slice(0, NAMES_SHOWN_MAX).map((known) => JSON.stringify(known))
  const rest = jobs.size - names.length
  const list = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`
  throw new StepwellError(
    'not_found',
    `This client has no job ${shown(name)}: ${list}${rest > 0 ? ` and ${rest} more` : ''}. Export it from the module ` +
      'that you give to createStepwell as jobs.',
  )
}

function checkRunId(runId: unknown): void {
  checkText(runId, "A run's id", ID_LENGTH_MAX)
}

function outputsOption(options: unknown): boolean {
  const { outputs = false } = checkOptions(options, 'getSteps', ['outputs'])
  return checkBoolean(outputs, 'The option outputs of getSteps')
}

function logQuery(filter: LogsFilter) {
  const known = ['level', 'order', 'cursor', 'limit']
  const { level, order, cursor, limit } = checkOptions(filter, 'getLogs', known)
  const name = (option: string) => `The option ${option} of getLogs`
  return {
    level: level === undefined ? undefined : checkOneOf(level, name('level'), LEVELS),
    order: order === undefined ? 'asc' : checkOneOf(order, name('order'), ['asc', 'desc']),
    cursor:
      cursor === undefined
        ? undefined
        : checkInteger(cursor, name('cursor'), 0, Number.MAX_SAFE_INTEGER),
    limit: limit === undefined ? LOGS_LIMIT : checkInteger(limit, name('limit'), 1, LOGS_LIMIT_MAX),
  }
}

function runFilter(jobs: Jobs, filter: unknown) {
  const known = ['job', 'status', 'cursor', 'limit']
  const { job, status, cursor, limit } = checkOptions(filter, 'getRuns', known)
  const name = (option: string) => `The option ${option} of getRuns`
  return {
    jobNames: many(job, name('job')).map((item) => resolveJob(jobs, item).name),
    statuses: many(status, name('status')).map((item) =>
      checkOneOf(item, name('status'), STATUSES),
    ),
    cursor: cursor === undefined ? undefined : checkText(cursor, name('cursor'), ID_LENGTH_MAX),
    limit: limit === undefined ? RUNS_LIMIT : checkInteger(limit, name('limit'), 1, RUNS_LIMIT_MAX),
  }
}

/** An empty list would read as "none" and mean "all". */
function many(value: unknown, name: string): readonly unknown[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) return [value]
  if (value.length === 0) {
    throw new StepwellError('invalid_input', `${name} is an empty list. Leave it out for all.`)
  }
  return value
}
