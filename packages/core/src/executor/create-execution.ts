/** Puts the parts of one execution together. */
import type { Execution } from './execution.js'
import { createReleases } from './releases.js'
import { createReports } from './reports.js'
import type { RunOptions } from './run.js'
import { createRunLimit, type RunLimit } from './run-limit.js'
import { createStoredBlobs } from './stored-blobs.js'
import { createSuspension } from './suspension.js'

export interface Created {
  readonly execution: Execution
  readonly limit: RunLimit
}

export function createExecution(options: RunOptions, fail: Execution['fail']): Created {
  const { assignment, outbox, codec, turns, context } = options
  const { runId, logCount } = assignment
  const controller = new AbortController()
  const head = () => ({ runId, generation: execution.generation })
  const suspension = createSuspension({
    turns,
    mayWait: () => execution.phase === 'running' && limit.reached() === null,
    waits: () =>
      [...execution.calls.values()].filter((call) => call.isWaiting()).map(({ name }) => name),
    suspend(waits, onAck) {
      const report = execution.reports.take()
      execution.reports.hold()
      const message = { type: 'suspend' as const, ...head(), waits, isParked: true, report }
      outbox.post(message, [], { onAck })
    },
    wake: () => outbox.tell({ type: 'wake', ...head() }),
    onParked() {
      limit.stop()
      options.onParked()
    },
    onActive() {
      if (execution.phase === 'aborted') return
      execution.reports.flow()
      options.onActive()
    },
  })
  const execution: Execution = {
    assignment,
    generation: assignment.generation,
    phase: 'running',
    controller,
    context: context.start(controller.signal),
    outbox,
    codec,
    isOnline: options.isOnline,
    blobs: createStoredBlobs(options.blobReads),
    reports: createReports({
      codec,
      linesMax: options.logLinesMax,
      linesStored: logCount,
      send(report) {
        suspension.begin()
        outbox.post({ type: 'report', ...head(), report }, [], { onAck: suspension.end })
        outbox.flush()
      },
    }),
    releases: createReleases(turns),
    suspension,
    memo: new Map(assignment.memo.map((stored) => [stored.name, { stored, ready: null }])),
    used: new Set(),
    calls: new Map(),
    bodies: new Map(),
    open: new Set(),
    thrownBy: new Map(),
    fail,
  }
  const limit = createRunLimit(execution)
  return { execution, limit }
}
