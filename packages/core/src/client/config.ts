/** The options of `createStepwell`, checked. */
import { checkSerializer } from '../codec/serializer.js'
import { durationMs } from '../duration.js'
import { collectJobs } from '../job.js'
import {
  checkBoolean,
  checkFunction,
  checkInteger,
  checkOneOf,
  checkOptions,
  checkText,
  invalid,
  shown,
} from '../options.js'
import { checkLimits } from './limits.js'
import type { SharedConfig } from './shared.js'

const OPTIONS = [
  'jobs',
  'worker',
  'engineWorker',
  'wasmUrl',
  'standby',
  'database',
  'durability',
  'storage',
  'concurrency',
  'executors',
  'context',
  'serializer',
  'limits',
  'retention',
]
const DATABASE_LENGTH_MAX = 64
/** It becomes part of a folder's name, percent-encoded; file systems end at 255 bytes. */
const DATABASE_ENCODED_MAX = 200
const URL_LENGTH_MAX = 4096
const CONCURRENCY_MAX = 1000
const EXECUTORS_MAX = 16
const RETENTION = '30d'

export function checkConfig(options: unknown): SharedConfig {
  if (options === undefined) throw invalid('createStepwell takes an object with at least jobs.')
  const name = (option: string) => `The option ${option} of createStepwell`
  const {
    jobs,
    worker,
    engineWorker,
    wasmUrl,
    standby = false,
    database = 'stepwell',
    durability = 'strict',
    storage = 'opfs',
    concurrency = 1,
    executors = 1,
    context,
    serializer,
    limits,
    retention = RETENTION,
  } = checkOptions(options, 'createStepwell', OPTIONS)
  if (typeof jobs !== 'object' || jobs === null) {
    throw invalid(`${name('jobs')} must be a record of jobs or a module, and is ${shown(jobs)}.`)
  }
  if (worker !== undefined) checkWorker(worker, name('worker'))
  if (engineWorker !== undefined) checkWorker(engineWorker, name('engineWorker'))
  if (context !== undefined) checkContext(context, name('context'))
  return {
    jobs: collectJobs(jobs),
    worker,
    engineWorker,
    wasmUrl: wasmUrl === undefined ? null : checkUrl(wasmUrl, name('wasmUrl')),
    standby: checkBoolean(standby, name('standby')),
    database: checkDatabase(database, name('database')),
    durability: checkOneOf(durability, name('durability'), ['strict', 'relaxed']),
    storage: checkOneOf(storage, name('storage'), ['opfs', 'memory']),
    concurrency: checkInteger(concurrency, name('concurrency'), 1, CONCURRENCY_MAX),
    executors: checkExecutors(executors, name('executors'), worker !== undefined),
    context,
    serializer: checkSerializer(serializer, name('serializer')),
    limits: checkLimits(limits, name('limits')),
    retentionMs: retention === false ? null : durationMs(retention, name('retention')),
  }
}

function checkDatabase(value: unknown, name: string): string {
  const database = checkText(value, name, DATABASE_LENGTH_MAX)
  let encoded: string
  try {
    encoded = encodeURIComponent(database)
  } catch {
    throw invalid(`${name} has half of a surrogate pair: ${shown(database)}. Use whole characters.`)
  }
  if (encoded.length > DATABASE_ENCODED_MAX) {
    throw invalid(`${name} is too long for a folder's name. Use fewer characters, or only ASCII.`)
  }
  return database
}

function checkExecutors(value: unknown, name: string, hasWorker: boolean): number {
  const executors = checkInteger(value, name, 1, EXECUTORS_MAX)
  if (executors > 1 && !hasWorker) {
    throw invalid(
      `${name} is ${executors} and the option worker is missing: without one all jobs run in the page, and a page is ` +
        'one executor. Give worker, or leave executors out.',
    )
  }
  return executors
}

/** Resolved against the page when it is used, for a worker has a base of its own. */
function checkUrl(value: unknown, name: string): string {
  return checkText(value instanceof URL ? value.href : value, name, URL_LENGTH_MAX)
}

/** What it makes is checked when it is called. */
function checkContext(value: unknown, name: string): asserts value is () => unknown {
  checkFunction(value, name)
}

/** That it returns a Worker is checked when it is called. */
function checkWorker(value: unknown, name: string): asserts value is () => Worker {
  checkFunction(value, name)
}
