/** From the wire's types to the public ones: JSON text is parsed, what is absent is left out or `null`. */
import { decode } from '../codec.js'
import type * as wire from '../generated/protocol.js'
import type { LogLine, RunData, RunFailure, Step } from '../types.js'

/** A run of a job of which nothing is known. */
export type UntypedRun = RunData<string, unknown, unknown>

export function toRun(run: wire.Run): UntypedRun {
  const base = {
    id: run.id,
    jobName: run.jobName,
    input: decode(run.input),
    progress: run.progress ?? null,
    attempt: run.attempt,
    version: run.version,
    recoveries: run.recoveries,
    stepCount: run.stepCount,
    labels: run.labels,
    createdAt: run.createdAt,
    updatedAt: run.updatedAt,
    startedAt: run.startedAt ?? null,
  }
  const completedAt = run.completedAt ?? run.updatedAt
  switch (run.status) {
    case 'pending':
      return { ...base, status: 'pending', startAt: run.startAt, completedAt: null }
    case 'running':
    case 'waiting':
      return { ...base, status: run.status, completedAt: null }
    case 'completed':
      return { ...base, status: 'completed', completedAt, output: decode(run.output ?? '') }
    case 'failed':
      return { ...base, status: 'failed', completedAt, error: toFailure(run.error) }
    case 'cancelled':
      return { ...base, status: 'cancelled', completedAt }
  }
}

const NO_FAILURE: wire.RunFailure = {
  name: 'Error',
  message: 'The run failed without a stored failure.',
  stack: undefined,
  code: 'error',
  attempt: 1,
  stepName: undefined,
}

export function toFailure(failure: wire.RunFailure = NO_FAILURE): RunFailure {
  const { name, message, code, attempt, stack, stepName } = failure
  return {
    name,
    message,
    code,
    attempt,
    ...(stack === undefined ? {} : { stack }),
    ...(stepName === undefined ? {} : { stepName }),
  }
}

export function toStep(step: wire.Step): Step {
  return {
    name: step.name,
    kind: step.kind,
    status: step.status,
    completedIndex: step.completedIndex ?? null,
    attempt: step.attempt,
    startedAt: step.startedAt,
    completedAt: step.completedAt ?? null,
    ...(step.output === undefined ? {} : { output: decode(step.output) }),
    ...(step.error === undefined ? {} : { error: toFailure(step.error) }),
  }
}

export function toLogLine(line: wire.LogLine): LogLine {
  return {
    id: line.id,
    runId: line.runId,
    level: line.level,
    message: line.message,
    stepName: line.stepName ?? null,
    attempt: line.attempt,
    timestamp: line.timestamp,
    ...(line.data === undefined ? {} : { data: decode(line.data) }),
  }
}
