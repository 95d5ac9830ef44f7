/** The commands of a client on untyped values: checks what the caller gave, asks the engine, converts the answer. */
import type { Codec } from '../codec/codec.js'
import type { Connection } from '../connection.js'
import type { RunFilter } from '../generated/protocol.js'
import { checkBoolean, checkOptions } from '../options.js'
import type { LogLine } from '../types.js'
import { atMost } from './at-most.js'
import { toLogLine } from './convert.js'
import type { Commands } from './core.js'
import { createDecoding } from './decoding.js'
import { runFilter } from './filters.js'
import { logQuery } from './log-query.js'
import { purgeRuns } from './purge.js'
import { checkRunId, type Jobs } from './resolve.js'
import { signal } from './signal.js'
import { createSubscription } from './subscribe.js'
import { batchTrigger, retrigger, type TriggerContext, trigger } from './trigger.js'
import { notFound, waitForRun } from './wait.js'

/**
 * How much is read at once for `waitForRun`, `subscribe` and `useRun`. A batch, or two, may be waited for or shown, and after
 * a restart of the engine all of it is read again: without a bound it would meet the limit on open commands, and reject.
 */
const WATCHED_READS_MAX = 200

export function createCommands(connection: Connection, jobs: Jobs, codec: Codec): Commands {
  const decoding = createDecoding(connection, codec)
  const readRun = async (runId: string) => {
    checkRunId(runId)
    const { run } = await connection.request({ type: 'getRun', runId })
    if (run === undefined) return null
    const [found = null] = await decoding.toRuns([run])
    return found
  }
  const getRun = async (runId: string) => {
    const run = await readRun(runId)
    if (run?.unreadable !== undefined) throw run.unreadable
    return run
  }
  const getSteps = async (runId: string, outputs: boolean) => {
    checkRunId(runId)
    const { steps } = await connection.request({ type: 'getSteps', runId, outputs })
    return decoding.toSteps(steps)
  }
  const readRuns = async (filter: RunFilter) => {
    const { page } = await connection.request({ type: 'getRuns', filter })
    return { runs: await decoding.toRuns(page.runs), nextCursor: page.nextCursor ?? null }
  }
  const fullLine = async (line: LogLine) => {
    const query = logQuery(line.runId, { cursor: line.id - 1, limit: 1 })
    const { page } = await connection.request({ type: 'getLogs', query })
    const found = page.logs.find(({ id }) => id === line.id)
    return found === undefined ? line : toLogLine(codec, found)
  }
  const change = async (type: 'cancel' | 'retry', runId: string) => {
    checkRunId(runId)
    const { run } = await connection.request({ type, runId })
    if (run === undefined) throw notFound(runId)
    return decoding.toRun(run)
  }
  const making: TriggerContext = {
    connection,
    jobs,
    encode: codec.encode,
    toTriggered: decoding.toTriggered,
    async runOf(runId) {
      const run = await getRun(runId)
      if (run === null) throw notFound(runId)
      return run
    },
  }
  const few = atMost(WATCHED_READS_MAX)
  const watched = {
    getRun: (runId: string) => few(() => getRun(runId)),
    getSteps: (runId: string, outputs: boolean) => few(() => getSteps(runId, outputs)),
    fullLine: (line: LogLine) => few(() => fullLine(line)),
  }
  const watching = { connection, codec, ...watched }
  return {
    connection,
    codec,
    status: connection.status,
    trigger: (job, input, options) => trigger(making, job, input, options),
    batchTrigger: (job, items) => batchTrigger(making, job, items),
    retrigger: (runId) => retrigger(making, runId),
    getRun,
    readRun,
    fullLine,
    watched,
    checkStepsOptions: outputsOption,
    getSteps,
    async getLogs(runId, filter = {}) {
      checkRunId(runId)
      const query = logQuery(runId, filter)
      const { page } = await connection.request({ type: 'getLogs', query })
      const logs = page.logs.map((line) => toLogLine(codec, line))
      return { logs, nextCursor: page.nextCursor ?? null }
    },
    getRuns: async (filter) => readRuns(runFilter(jobs, filter, 'getRuns')),
    readRuns,
    async waitForRun(runId, options = {}) {
      checkRunId(runId)
      return waitForRun(watching, runId, options)
    },
    subscribe(runId) {
      checkRunId(runId)
      return createSubscription(watching, runId)
    },
    cancel: (runId) => change('cancel', runId),
    retry: (runId) => change('retry', runId),
    signal: (key, value) => signal(making, key, value),
    async deleteRun(runId) {
      checkRunId(runId)
      await connection.request({ type: 'deleteRun', runId })
    },
    purgeRuns: (options) => purgeRuns(connection, options),
  }
}

function outputsOption(options: unknown): boolean {
  const { outputs = false } = checkOptions(options, 'getSteps', ['outputs'])
  return checkBoolean(outputs, 'The option outputs of getSteps')
}
