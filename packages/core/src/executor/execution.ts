/** What the parts of one execution of a run share. */
import type { Codec, ReadBlobs } from '../codec/codec.js'
import { StepwellError } from '../errors.js'
import type { AbortReason, Assignment, Generation } from '../generated/protocol.js'
import type { RunContext } from './context.js'
import type { FailurePlace } from './failure.js'
import type { Outbox } from './outbox.js'
import type { Releases } from './releases.js'
import type { Reports } from './reports.js'

export interface Execution {
  readonly assignment: Assignment
  /** Rises when a restarted engine adopts the run. */
  generation: Generation
  /** `ended`: the function has returned or thrown. `aborted`: nothing that it still makes counts. */
  phase: 'running' | 'ended' | 'aborted'
  readonly controller: AbortController
  readonly context: RunContext
  readonly outbox: Outbox
  readonly codec: Codec
  /** The stored Blobs that the assignment's payloads name. */
  blobs: ReadBlobs
  readonly reports: Reports
  readonly releases: Releases
  /** Bodies that run now, by the name of their step. */
  readonly inFlight: Map<string, { readonly attempt: number }>
  /** Steps whose promise is not settled. */
  readonly openSteps: Set<{ readonly reject: (reason: unknown) => void }>
  /** What steps threw, so that the run's failure names its step. By identity: it finds primitives too. */
  readonly thrownBy: Map<unknown, FailurePlace>
  /** Fails the run, whatever its function does with the error. */
  readonly fail: (error: StepwellError) => void
}

export type StopReason = AbortReason | 'closed'

const STOPPED: Readonly<Record<StopReason, string>> = {
  cancelled: 'was cancelled',
  lease_lost: 'goes on elsewhere, because this executor lost its lease',
  closed: 'was interrupted, because its executor was closed',
}

export function stopError(reason: StopReason, runId: string): StepwellError {
  const message = `Run ${runId} ${STOPPED[reason]}. Nothing that this execution still does is stored; let it end.`
  return new StepwellError(reason, message)
}

/**
 * Makes an execution worthless: its signals fire, and what its function waits for rejects, so that its `finally` blocks
 * run. The rejections are marked as handled: they are not the function's fault.
 */
export function abortExecution(execution: Execution, reason: StopReason): void {
  if (execution.phase === 'aborted') return
  execution.phase = 'aborted'
  const error = stopError(reason, execution.assignment.runId)
  silence(execution, error)
  for (const { reject } of execution.openSteps) reject(error)
  execution.openSteps.clear()
}

/**
 * The function has ended. Steps that it did not wait for are told to stop; their promises stay as they are, because a
 * rejection that nobody expects would only be reported as unhandled.
 */
export function endExecution(execution: Execution): void {
  if (execution.phase !== 'running') return
  execution.phase = 'ended'
  if (execution.inFlight.size === 0) return
  execution.controller.abort(endedError(execution))
  execution.inFlight.clear()
  execution.releases.stop()
}

export function endedError({ assignment }: Execution): StepwellError {
  return new StepwellError(
    'closed',
    `The function of run ${assignment.runId} (job "${assignment.jobName}") has ended. ` +
      'Await every step before you return.',
  )
}

function silence(execution: Execution, error: StepwellError): void {
  execution.releases.stop()
  execution.reports.stop()
  execution.inFlight.clear()
  execution.controller.abort(error)
}
