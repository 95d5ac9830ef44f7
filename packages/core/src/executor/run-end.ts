/** How a run ends, as it is said to the engine. */
import type { Encoded } from '../codec/codec.js'
import type { Report } from '../generated/protocol.js'
import { retryDelayMs } from '../job-errors.js'
import type { Execution } from './execution.js'
import { causes, type FailurePlace, toFailure } from './failure.js'
import { isFinal } from './finality.js'

export type End = { readonly output: Encoded } | { readonly thrown: unknown }

export function postEnd(execution: Execution, end: End, onEnd: () => void): void {
  const { outbox, reports, generation, assignment } = execution
  const head = { runId: assignment.runId, generation, report: reports.take() }
  if ('output' in end) {
    const { payload, blobs } = end.output
    const ids = blobs.map(({ id }) => id)
    outbox.post({ type: 'runComplete', ...head, output: payload, blobs: ids }, blobs, {
      onAck: onEnd,
      onUnstorable: (error) => postFailure(execution, error, head.report, onEnd),
    })
  } else {
    postFailure(execution, end.thrown, head.report, onEnd)
  }
  reports.stop()
}

function postFailure(
  execution: Execution,
  thrown: unknown,
  report: Report,
  onEnd: () => void,
): void {
  const { outbox, generation, assignment } = execution
  const error = toFailure(thrown, placeOf(execution, thrown))
  const head = { runId: assignment.runId, generation, error, report }
  const isRetryable = !isFinal(thrown)
  const retryAfterMs = retryDelayMs(thrown, Date.now())
  outbox.post({ type: 'runFail', ...head, isRetryable, retryAfterMs }, [], { onAck: onEnd })
}

/** The step that threw this, or what caused it. */
function placeOf({ thrownBy, assignment }: Execution, thrown: unknown): FailurePlace {
  for (const cause of causes(thrown)) {
    const place = thrownBy.get(cause)
    if (place !== undefined) return place
  }
  return { attempt: assignment.attempt, stepName: undefined }
}
