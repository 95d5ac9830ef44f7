/** What events make of a run's own fields. Pure. */
import { toWaitingFor, type UntypedRun } from '../client/convert.js'
import type { RunEvent } from '../generated/protocol.js'

type EventOf<T> = Extract<RunEvent, { type: T }>

/** After a write that changed nothing else of the run. */
export function written(run: UntypedRun, { version, timestamp }: RunEvent): UntypedRun {
  return { ...run, version, updatedAt: timestamp }
}

/** After a step's outcome was stored. What ends by itself, and not by the work of an executor, recovers nothing. */
export function counted(
  run: UntypedRun,
  event: EventOf<'step:complete' | 'step:fail'>,
): UntypedRun {
  const recoveries = event.stepKind === 'run' ? 0 : run.recoveries
  return { ...written(run, event), stepCount: run.stepCount + 1, recoveries }
}

export function runningRun(
  run: UntypedRun,
  event: EventOf<'run:start' | 'run:resume'>,
): UntypedRun {
  const startedAt = run.startedAt ?? event.timestamp
  const recoveries = event.type === 'run:resume' ? event.recoveries : run.recoveries
  const base = { ...baseOf(run, event), attempt: event.attempt, recoveries, startedAt }
  return { ...base, status: 'running', completedAt: null }
}

export function waitingRun(run: UntypedRun, event: EventOf<'run:wait'>): UntypedRun {
  const waitingFor = toWaitingFor(event.waitingFor)
  const isOwnRetry = waitingFor.kind === 'retry' && waitingFor.stepName === null
  const attempt = isOwnRetry ? waitingFor.attempt : run.attempt
  return { ...baseOf(run, event), attempt, status: 'waiting', completedAt: null, waitingFor }
}

export function cancelledRun(run: UntypedRun, event: RunEvent): UntypedRun {
  return { ...baseOf(run, event), status: 'cancelled', completedAt: event.timestamp }
}

/** What a run has whatever its status, after that event's write. */
function baseOf(run: UntypedRun, { version, timestamp }: RunEvent) {
  const { id, jobName, input, progress, attempt, recoveries, stepCount, logCount, labels } = run
  const { priority, idempotencyKey, concurrencyKey, createdAt, startAt, startedAt } = run
  const { retry, timeoutMs, parentId, parentStep, childIndex, rootId, unreadable } = run
  return {
    id,
    jobName,
    input,
    progress,
    attempt,
    version,
    recoveries,
    stepCount,
    logCount,
    labels,
    priority,
    idempotencyKey,
    concurrencyKey,
    retry,
    timeoutMs,
    parentId,
    parentStep,
    childIndex,
    rootId,
    createdAt,
    startAt,
    startedAt,
    updatedAt: timestamp,
    ...(unreadable === undefined ? {} : { unreadable }),
  }
}
