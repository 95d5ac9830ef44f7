/** What to read: the filter of `getRuns`, checked, and what it has in common with that of `getLogs`. */
import type { RunFilter, RunStatus } from '../generated/protocol.js'
import {
  checkInteger,
  checkMany,
  checkOneOf,
  checkOptions,
  checkText,
  checkTime,
  invalid,
  shown,
} from '../options.js'
import { checkLabelsFilter } from './labels.js'
import { ID_LENGTH_MAX, type Jobs, resolveJob } from './resolve.js'

export const RUNS_LIMIT = 50
export const RUNS_LIMIT_MAX = 1000
export const LOGS_LIMIT_MAX = 10_000

const STATUSES: readonly RunStatus[] = [
  'pending',
  'running',
  'waiting',
  'completed',
  'failed',
  'cancelled',
]
export const LEVELS = ['debug', 'info', 'warn', 'error'] as const

const RUN_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

const RUNS_OPTIONS = [
  'job',
  'status',
  'labels',
  'createdAfter',
  'createdBefore',
  'parent',
  'cursor',
  'limit',
]

/** @param without an option that `what`, the function whose filter it is, does not take. */
export function runFilter(jobs: Jobs, filter: unknown, what: string, without?: string): RunFilter {
  const known = RUNS_OPTIONS.filter((option) => option !== without)
  const options = checkOptions(filter, what, known)
  const { job, status, labels, createdAfter, createdBefore, parent, cursor, limit } = options
  const name = (option: string) => `The option ${option} of ${what}`
  const time = (value: unknown, option: string) =>
    value === undefined ? undefined : checkTime(value, name(option))
  return {
    jobNames: checkMany(job, name('job')).map((item) => resolveJob(jobs, item).name),
    statuses: checkMany(status, name('status')).map((item) =>
      checkOneOf(item, name('status'), STATUSES),
    ),
    labels: checkLabelsFilter(labels, name('labels')),
    createdAfter: time(createdAfter, 'createdAfter'),
    createdBefore: time(createdBefore, 'createdBefore'),
    parentId:
      parent === undefined || parent === null ? undefined : checkParent(parent, name('parent')),
    rootsOnly: parent === null,
    cursor: cursor === undefined ? undefined : checkRunsCursor(cursor, name('cursor')),
    limit: limit === undefined ? RUNS_LIMIT : checkInteger(limit, name('limit'), 1, RUNS_LIMIT_MAX),
  }
}

/** A run's id. Any other text would read as a place in the list, and mostly as its start. */
function checkRunsCursor(value: unknown, name: string): string {
  const cursor = checkText(value, name, ID_LENGTH_MAX)
  if (RUN_ID.test(cursor)) return cursor
  throw invalid(`${name} must be the nextCursor of the page before, and is ${shown(cursor)}.`)
}

function checkParent(value: unknown, name: string): string {
  if (typeof value === 'string') return checkText(value, name, ID_LENGTH_MAX)
  throw invalid(
    `${name} must be a run's id, for its children, or null, for runs that have no parent; it is ${shown(value)}.`,
  )
}
