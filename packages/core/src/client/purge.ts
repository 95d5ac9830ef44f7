/** `purgeRuns`: deletes in many short commands, so that no transaction holds the engine up. */
import type { Connection } from '../connection.js'
import { durationMs } from '../duration.js'
import { checkInteger, checkOptions, invalid } from '../options.js'

/** The engine's limit for one command. */
const PER_COMMAND_MAX = 100
const LIMIT_MAX = 1_000_000

/** How many runs were deleted. */
export async function purgeRuns(connection: Connection, options: unknown): Promise<number> {
  const { olderThan, limit } = checkOptions(options, 'purgeRuns', ['olderThan', 'limit'])
  if (olderThan === undefined) {
    throw invalid("purgeRuns needs the option olderThan, such as '30d': the age since a run's end.")
  }
  const olderThanMs = durationMs(olderThan, 'The option olderThan of purgeRuns')
  const name = 'The option limit of purgeRuns'
  const most = limit === undefined ? Infinity : checkInteger(limit, name, 1, LIMIT_MAX)
  let deleted = 0
  for (let hasMore = true; hasMore && deleted < most; ) {
    const batch = Math.min(PER_COMMAND_MAX, most - deleted)
    const reply = await connection.request({ type: 'purgeRuns', olderThanMs, limit: batch })
    deleted += reply.count
    hasMore = reply.hasMore
  }
  return deleted
}
