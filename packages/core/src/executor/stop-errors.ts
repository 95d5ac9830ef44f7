/** Why an execution was stopped: told to its function, and of no interest to anybody else. */
import { type ErrorCode, StepwellError } from '../errors.js'
import type { AbortReason } from '../generated/protocol.js'

export type StopReason = AbortReason | 'closed' | 'evicted'

const STOPPED: Readonly<Record<StopReason, readonly [ErrorCode, string]>> = {
  cancelled: ['cancelled', 'was cancelled'],
  lease_lost: ['lease_lost', 'goes on elsewhere, because this executor lost its lease'],
  closed: ['closed', 'was interrupted, because its executor was closed'],
  evicted: ['lease_lost', 'waits, and was put out of memory; it is replayed when it goes on'],
}

const made = new WeakSet<object>()

export function stopError(reason: StopReason, runId: string): StepwellError {
  const [code, what] = STOPPED[reason]
  const message = `Run ${runId} ${what}. Nothing that this execution still does is stored; let it end.`
  const error = new StepwellError(code, message)
  made.add(error)
  return error
}

/**
 * Keeps the browser from reporting them where nobody handles them. The promises of steps are marked as handled, but not
 * what the function derived from them, as by `then`. Returns what ends it.
 *
 * @param target the global object; `undefined` where it hears no events (Node).
 */
export function silenceStopErrors(target: EventTarget | undefined): () => void {
  const off = new AbortController()
  const onRejection = (event: Event) => {
    const reason: unknown = Reflect.get(event, 'reason')
    if (typeof reason === 'object' && reason !== null && made.has(reason)) event.preventDefault()
  }
  target?.addEventListener('unhandledrejection', onRejection, { signal: off.signal })
  return () => off.abort()
}
