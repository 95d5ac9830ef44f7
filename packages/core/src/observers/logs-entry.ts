/** A run's log as all components that ask for the same lines see it. */
import type { ClientCore } from '../client/core.js'
import type { LogLevel } from '../generated/protocol.js'
import { createCaches } from './cache.js'
import type { LogsParts } from './logs-parts.js'
import type { LogsView } from './types.js'

export interface LogsWanted {
  readonly runId: string
  readonly level: LogLevel | undefined
  readonly limit: number
}

export type LogsFunctions = Pick<LogsView, 'loadOlder' | 'clear'>
export type LogsState = Omit<LogsView, keyof LogsFunctions>

export const NO_LOGS = { logs: Object.freeze([]), droppedCount: 0, hasOlder: false }

const cache = createCaches<LogsState, LogsFunctions, LogsParts>()

export function logsEntry(core: ClientCore, wanted: LogsWanted) {
  const key = `${wanted.level ?? ''} ${wanted.limit} ${wanted.runId}`
  return cache(core).entry(key, () => ({
    early: (error) => ({ ...NO_LOGS, status: error === null ? 'loading' : 'unavailable', error }),
    functions: (parts) => ({
      loadOlder: () => parts()?.loadOlder() ?? Promise.resolve(),
      clear: () => parts()?.clear(),
    }),
    parts: ({ parts }, changed) => parts.logs(wanted, changed),
  }))
}
