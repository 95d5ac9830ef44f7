/** `observeLogs`: the core of `useRunLogs`. */
import { LEVELS, LOGS_LIMIT_MAX } from '../client/filters.js'
import type { Stepwell } from '../client/types.js'
import { checkInteger, checkOneOf, checkOptions } from '../options.js'
import { logsEntry, NO_LOGS } from './logs-entry.js'
import type { LogsView, ObserveLogsOptions, Observer } from './types.js'

const LIMIT = 1000

/** Observes a run's log; observers of the same run, level and limit share what they show. */
export function observeLogs(
  client: Pick<Stepwell, '~core'>,
  runId: string | null | undefined,
  options: ObserveLogsOptions = {},
): Observer<LogsView> {
  const { level, limit = LIMIT } = checkOptions(options, 'useRunLogs', ['level', 'limit'])
  const wantedLevel =
    level === undefined ? undefined : checkOneOf(level, 'The option level of useRunLogs', LEVELS)
  const wantedLimit = checkInteger(limit, 'The option limit of useRunLogs', 1, LOGS_LIMIT_MAX)
  if (runId === null || runId === undefined) return IDLE
  const core = client['~core']
  const wanted = { runId, level: wantedLevel, limit: wantedLimit }
  return {
    get: () => logsEntry(core, wanted).get(),
    subscribe: (listener) => logsEntry(core, wanted).subscribe(listener),
    getServer: () => LOADING_LOGS,
  }
}

const EMPTY = {
  ...NO_LOGS,
  error: null,
  loadOlder: () => Promise.resolve(),
  clear: () => undefined,
}
const LOADING_LOGS: LogsView = Object.freeze({ ...EMPTY, status: 'loading' })
const IDLE_LOGS: LogsView = Object.freeze({ ...EMPTY, status: 'idle' })
const IDLE: Observer<LogsView> = {
  get: () => IDLE_LOGS,
  subscribe: () => () => undefined,
  getServer: () => IDLE_LOGS,
}
