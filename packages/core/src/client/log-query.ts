/** What to read: the filter of `getLogs`, checked. */
import type { LogQuery } from '../generated/protocol.js'
import { checkInteger, checkOneOf, checkOptions } from '../options.js'
import { LEVELS, LOGS_LIMIT_MAX } from './filters.js'

const LOGS_LIMIT = 1000
const LOGS_OPTIONS = ['level', 'order', 'cursor', 'limit']

export function logQuery(runId: string, filter: unknown): LogQuery {
  const { level, order, cursor, limit } = checkOptions(filter, 'getLogs', LOGS_OPTIONS)
  const name = (option: string) => `The option ${option} of getLogs`
  return {
    runId,
    level: level === undefined ? undefined : checkOneOf(level, name('level'), LEVELS),
    order: order === undefined ? 'asc' : checkOneOf(order, name('order'), ['asc', 'desc']),
    cursor:
      cursor === undefined
        ? undefined
        : checkInteger(cursor, name('cursor'), 0, Number.MAX_SAFE_INTEGER),
    limit: limit === undefined ? LOGS_LIMIT : checkInteger(limit, name('limit'), 1, LOGS_LIMIT_MAX),
  }
}
