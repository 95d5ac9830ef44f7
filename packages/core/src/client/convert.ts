/** From the wire's types to the public ones: payloads are decoded, what is absent is left out or `null`. */
import { blobIdsOf, type Codec, type ReadBlobs } from '../codec/codec.js'
import { errorText } from '../errors.js'
import type * as wire from '../generated/protocol.js'
import type { LogLine, RunData, RunFailure, Step, StepChild, WaitingFor } from '../types.js'

/** A run of a job of which nothing is known. */
export type UntypedRun = RunData<string, unknown, unknown>

/** The Blobs and Files that must be read before these runs can be converted. */
export function blobIdsOfRuns(runs: readonly wire.Run[]): wire.BlobId[] {
  return runs.flatMap(({ input, output = '' }) => [...blobIdsOf(input), ...blobIdsOf(output)])
}

/** The Blobs and Files that must be read before these steps can be converted. */
export function blobIdsOfSteps(steps: readonly wire.Step[]): wire.BlobId[] {
  return steps
    .flatMap(({ output, children }) => [output, ...children.map((child) => child.output)])
    .flatMap((payload = '') => blobIdsOf(payload))
}

export function toRun(codec: Pick<Codec, 'decode'>, run: wire.Run, blobs?: ReadBlobs): UntypedRun {
  const base = {
    id: run.id,
    jobName: run.jobName,
    input: codec.decode(run.input, blobs),
    progress: run.progress ?? null,
    attempt: run.attempt,
    version: run.version,
    recoveries: run.recoveries,
    stepCount: run.stepCount,
    logCount: run.logCount,
    labels: run.labels,
    priority: run.priority,
    idempotencyKey: run.idempotencyKey ?? null,
    concurrencyKey: run.concurrencyKey ?? null,
    retry: run.retry,
    timeoutMs: run.timeoutMs ?? null,
    parentId: run.parentId ?? null,
    rootId: run.rootId,
    parentStep: run.parentStep ?? null,
    childIndex: run.childIndex ?? null,
    createdAt: run.createdAt,
    startAt: run.startAt,
    updatedAt: run.updatedAt,
    startedAt: run.startedAt ?? null,
  }
  const completedAt = run.completedAt ?? run.updatedAt
  switch (run.status) {
    case 'pending':
    case 'running':
      return { ...base, status: run.status, completedAt: null }
    case 'waiting': {
      const waitingFor = toWaitingFor(run.waitingFor ?? unknownWait(run))
      return { ...base, status: 'waiting', completedAt: null, waitingFor }
    }
    case 'completed': {
      const output = codec.decode(run.output ?? '', blobs)
      return { ...base, status: 'completed', completedAt, output }
    }
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
  causes: [],
  code: 'error',
  attempt: 1,
  stepName: undefined,
}

/** Of a waiting run without its wait, which no engine makes: it can still be shown, cancelled and deleted. */
function unknownWait(run: wire.Run): wire.WaitingFor {
  const error = { ...NO_FAILURE, message: 'What the run waits for is not stored.' }
  const { attempt, updatedAt: until } = run
  return { kind: 'retry', stepName: undefined, attempt, until, error }
}

export function toWaitingFor(wait: wire.WaitingFor): WaitingFor {
  switch (wait.kind) {
    case 'retry':
      return { ...wait, stepName: wait.stepName ?? null, error: toFailure(wait.error) }
    case 'signal':
      return { ...wait, until: wait.until ?? null }
    case 'network':
      return { ...wait, stepName: wait.stepName ?? null }
    default:
      return wait
  }
}

export function toFailure(failure: wire.RunFailure = NO_FAILURE): RunFailure {
  const { name, message, causes, code, attempt, stack, stepName } = failure
  return {
    name,
    message,
    causes,
    code,
    attempt,
    ...(stack === undefined ? {} : { stack }),
    ...(stepName === undefined ? {} : { stepName }),
  }
}

export function toStep(codec: Codec, step: wire.Step, blobs?: ReadBlobs): Step {
  const { name, kind, status, attempt, startedAt, output, error, waitingFor, children } = step
  return {
    name,
    kind,
    status,
    completedIndex: step.completedIndex ?? null,
    attempt,
    startedAt,
    completedAt: step.completedAt ?? null,
    ...(output === undefined ? {} : { output: codec.decode(output, blobs) }),
    ...(error === undefined ? {} : { error: toFailure(error) }),
    ...(waitingFor === undefined ? {} : { waitingFor: toWaitingFor(waitingFor) }),
    ...(children.length === 0
      ? {}
      : { children: children.map((child) => toChild(codec, child, blobs)) }),
  }
}

function toChild(codec: Codec, child: wire.ChildResult, blobs?: ReadBlobs): StepChild {
  const { runId, jobName, status, output, error } = child
  return {
    runId,
    jobName,
    status,
    ...(output === undefined ? {} : { output: codec.decode(output, blobs) }),
    ...(error === undefined ? {} : { error: toFailure(error) }),
  }
}

export function toLogLine(codec: Codec, line: wire.LogLine): LogLine {
  return {
    id: line.id,
    runId: line.runId,
    level: line.level,
    message: line.message,
    stepName: line.stepName ?? null,
    attempt: line.attempt,
    timestamp: line.timestamp,
    ...(line.data === undefined ? {} : { data: dataOf(codec, line.data) }),
  }
}

/**
 * What cannot be read here (its serializer is missing) is explained in its place, as where it is written. Throwing would
 * lose what came with the line, such as the run's end, and one line would hide all others.
 */
function dataOf(codec: Codec, data: wire.Payload): unknown {
  try {
    return codec.decode(data)
  } catch (reason) {
    return `The data could not be read. ${errorText(reason)}`
  }
}
