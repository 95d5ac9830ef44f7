/** What the parts of one execution of a run share. */
import type { Codec } from '../codec/codec.js'
import { StepwellError } from '../errors.js'
import type { Assignment, Generation, Step } from '../generated/protocol.js'
import type { RunningBody } from './body.js'
import type { AnyCall } from './calls.js'
import type { RunContext } from './context.js'
import type { FailurePlace } from './failure.js'
import type { Outbox } from './outbox.js'
import type { Ready, Releases } from './releases.js'
import type { Reports } from './reports.js'
import { type StopReason, stopError } from './stop-errors.js'
import type { StoredBlobs } from './stored-blobs.js'
import type { Suspension } from './suspension.js'

export interface Execution {
  readonly assignment: Assignment
  /** Rises when a restarted engine adopts the run, and with each resumption. */
  generation: Generation
  /** `ended`: the function has returned or thrown. `aborted`: nothing that it still makes counts. */
  phase: 'running' | 'ended' | 'aborted'
  readonly controller: AbortController
  readonly context: RunContext
  readonly outbox: Outbox
  readonly codec: Codec
  readonly isOnline: () => boolean
  readonly blobs: StoredBlobs
  readonly reports: Reports
  readonly releases: Releases
  readonly suspension: Suspension
  /** Stored steps that were not called yet. */
  readonly memo: Map<string, Memo>
  /** Names of steps that were called. */
  readonly used: Set<string>
  /** Calls that are not settled, in the order in which they were made. */
  readonly calls: Map<string, AnyCall>
  /** Bodies that run now, by the name of their step. */
  readonly bodies: Map<string, RunningBody>
  /** Promises that the function was given and that are not settled. */
  readonly open: Set<{ readonly reject: (reason: unknown) => void }>
  /** What steps threw, so that the run's failure names its step. By identity: it finds primitives too. */
  readonly thrownBy: Map<unknown, FailurePlace>
  /** Fails the run, whatever its function does with the error. */
  readonly fail: (reason: unknown) => void
}

/** A stored step, and whether what it names has been read. */
export interface Memo {
  readonly stored: Step
  readonly ready: Ready
}

/**
 * Makes an execution worthless: its signals fire, and what its function waits for rejects, so that its `finally` blocks
 * run. The rejections are marked as handled: they are not the function's fault.
 */
export function abortExecution(execution: Execution, reason: StopReason): void {
  if (execution.phase === 'aborted') return
  execution.phase = 'aborted'
  const error = stopError(reason, execution.assignment.runId)
  execution.releases.stop()
  execution.reports.stop()
  fireSignals(execution, error)
  endBodies(execution)
  for (const { reject } of execution.open) reject(error)
  execution.open.clear()
  execution.calls.clear()
  execution.suspension.stop()
}

/** The run's signal, and those of its bodies, which follow it. */
export function fireSignals({ controller, bodies }: Execution, reason: StepwellError): void {
  controller.abort(reason)
  for (const body of bodies.values()) body.abort(reason)
}

/**
 * The function has ended. Steps that it did not wait for are told to stop; their promises stay as they are, because a
 * rejection that nobody expects would only be reported as unhandled.
 */
export function endExecution(execution: Execution): void {
  if (execution.phase !== 'running') return
  execution.phase = 'ended'
  execution.calls.clear()
  if (execution.bodies.size === 0) return
  fireSignals(execution, endedError(execution))
  endBodies(execution)
  execution.releases.stop()
}

function endBodies({ bodies }: Execution): void {
  for (const body of bodies.values()) body.end()
  bodies.clear()
}

export function endedError({ assignment }: Execution): StepwellError {
  return new StepwellError(
    'closed',
    `The function of run ${assignment.runId} (job "${assignment.jobName}") has ended. ` +
      'Await every step before you return.',
  )
}

/** The run fails with this error, even where its function catches it. */
export function fatal(execution: Execution, error: StepwellError, stepName: string): StepwellError {
  execution.thrownBy.set(error, { attempt: execution.assignment.attempt, stepName })
  execution.fail(error)
  return error
}
