/** What stands behind the entries of the hooks: part of a client's runtime. */
import type { Commands } from '../client/core.js'
import type { LogsWanted } from './logs-entry.js'
import { createLogsParts, type LogsParts } from './logs-parts.js'
import { createRunParts, type RunParts } from './run-parts.js'
import type { RunsQuery } from './runs-entry.js'
import { createRunsParts, type RunsParts } from './runs-parts.js'

export interface Parts {
  run(runId: string, changed: () => void): RunParts
  runs(query: RunsQuery, changed: () => void): RunsParts
  logs(wanted: LogsWanted, changed: () => void): LogsParts
}

export function createParts(commands: Commands): Parts {
  return {
    run: (runId, changed) => createRunParts(commands, runId, changed),
    runs: (query, changed) => createRunsParts(commands, query, changed),
    logs: (wanted, changed) => createLogsParts(commands, wanted, changed),
  }
}
