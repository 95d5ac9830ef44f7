/** The functions of steps: started, timed, and their outcomes said to the engine. */
import { type Encoded, type ReadBlobs, replayed } from '../codec/codec.js'
import { StepwellError, toStepwellError } from '../errors.js'
import type { Payload, Report, RetryPolicy, Step, StepRetry } from '../generated/protocol.js'
import type { StepContext } from '../step.js'
import type { Call } from './calls.js'
import { type Execution, fatal } from './execution.js'
import { toFailure } from './failure.js'
import { type Attempt, nextTry, retryOf } from './finality.js'
import { GRACE_MS, startLimit } from './time-limit.js'

/** The options of a step, checked. */
export interface StepPolicy {
  readonly retry: RetryPolicy | undefined
  readonly timeoutMs: number | undefined
  readonly needsNetwork: boolean
}

/** Calls a body with its context. */
export type CallBody = <V>(
  place: { readonly name: string; readonly attempt: number; readonly signal: () => AbortSignal },
  body: (context: StepContext) => V,
) => V

/** As the engine is told of it, again after a restart. */
export interface RunningBody {
  readonly attempt: number
  readonly retry: StepRetry | undefined
  /** What is left of its time. */
  readonly timeoutMs: () => number | undefined
  /** Fires its signal. */
  readonly abort: (reason: StepwellError) => void
  /** What it still does is ignored. */
  readonly end: () => void
}

export interface BodyOptions<V> {
  readonly callBody: CallBody
  readonly policy: StepPolicy
  readonly body: (context: StepContext) => V | Promise<V>
}

interface Body<V> extends Attempt {
  readonly execution: Execution
  readonly call: Call<V>
  readonly policy: StepPolicy
  readonly startedAt: number
  /** Why its signal fired, where that was for its timeout. */
  timeout: StepwellError | null
  /** Nobody wants to know any more what the function does. */
  isOver: boolean
  stopLimit: (() => void) | null
}

/** Runs the body, or first waits for the network. @param stored what is stored of earlier attempts. */
export function beginBody<V>(
  call: Call<V>,
  stored: Step | undefined,
  options: BodyOptions<V>,
): void {
  const { execution, name } = call
  if (options.policy.needsNetwork && !execution.isOnline()) {
    const { assignment, generation, reports, outbox } = execution
    const place = { runId: assignment.runId, generation, stepName: name }
    const report = reports.take()
    const onAck = call.waitPosted()
    outbox.post({ type: 'stepWait', ...place, wait: { kind: 'network' }, report }, [], { onAck })
    return
  }
  const { attempt = 0, firstAttempt = 1 } = stored ?? {}
  runBody(call, { attempt: attempt + 1, firstAttempt }, options)
}

function runBody<V>(
  call: Call<V>,
  { attempt, firstAttempt }: Attempt,
  { callBody, policy, body }: BodyOptions<V>,
): void {
  const { execution, name } = call
  const signal = ownSignal(execution)
  const running: Body<V> = {
    execution,
    call,
    policy,
    attempt,
    firstAttempt,
    startedAt: performance.now(),
    timeout: null,
    isOver: false,
    stopLimit: null,
  }
  const announced = announcement(running, signal.fire)
  execution.bodies.set(name, announced)
  sayStart(execution, name, announced)
  if (policy.timeoutMs !== undefined) startTimeout(running, policy.timeoutMs, signal.fire)
  const onError = (thrown: unknown) => failed(running, thrown)
  let result: V | Promise<V>
  try {
    result = callBody({ name, attempt, signal: signal.get }, body)
  } catch (thrown) {
    onError(thrown)
    return
  }
  if (isThenable(result)) {
    Promise.resolve(result).then((value) => returned(running, value), onError)
  } else {
    returned(running, result)
  }
}

function announcement<V>(body: Body<V>, abort: RunningBody['abort']): RunningBody {
  const { timeoutMs, retry } = body.policy
  return {
    attempt: body.attempt,
    retry: timeoutMs === undefined ? undefined : nextTry(retry, body),
    timeoutMs() {
      if (timeoutMs === undefined) return undefined
      return Math.max(1, Math.round(timeoutMs - (performance.now() - body.startedAt)))
    },
    abort,
    end: () => endBody(body),
  }
}

export function sayStart(execution: Execution, stepName: string, body: RunningBody): void {
  const { outbox, assignment, generation } = execution
  const { attempt, retry } = body
  const timeoutMs = body.timeoutMs()
  const { runId } = assignment
  // It leaves with what else is said in this checkpoint: with the outcome itself, where the body is quick. A message of
  // its own would cost a fast step a second round through the engine.
  outbox.tell({ type: 'stepStart', runId, generation, stepName, attempt, timeoutMs, retry })
  // But the engine must know of a body that may never yield.
  if (timeoutMs !== undefined) outbox.flush()
}

/** A body's signal, made when it is asked for: most bodies ask for none. */
function ownSignal({ controller: run }: Execution): {
  readonly get: () => AbortSignal
  readonly fire: (reason: StepwellError) => void
} {
  let controller: AbortController | null = null
  let fired: StepwellError | null = null
  return {
    get() {
      if (controller !== null) return controller.signal
      controller = new AbortController()
      if (fired !== null) controller.abort(fired)
      else if (run.signal.aborted) controller.abort(run.signal.reason)
      return controller.signal
    },
    fire(reason) {
      fired ??= reason
      controller?.abort(fired)
    },
  }
}

function startTimeout<V>(
  body: Body<V>,
  timeoutMs: number,
  fire: (reason: StepwellError) => void,
): void {
  const error = (rest: string) =>
    new StepwellError(
      'timeout',
      `Step "${body.call.name}" did not end within its timeout of ${timeoutMs} ms${rest}. Hand the signal to what takes ` +
        'long, or give the step more time.',
    )
  body.stopLimit = startLimit(timeoutMs, {
    onTime() {
      body.timeout = error('')
      fire(body.timeout)
    },
    onOver() {
      body.timeout = error(`, nor in the ${GRACE_MS} ms after its signal`)
      failed(body, body.timeout)
    },
  })
}

function endBody<V>(body: Body<V>): void {
  body.isOver = true
  body.stopLimit?.()
}

function isWanted<V>({ execution, call, isOver }: Body<V>): boolean {
  return !isOver && execution.phase === 'running' && !call.isSettled()
}

function returned<V>(body: Body<V>, value: V): void {
  if (!isWanted(body)) return
  const { execution, call, attempt } = body
  let encoded: Encoded
  try {
    encoded = execution.codec.encode(value, `the output of step "${call.name}"`)
  } catch (error) {
    sayFailed(body, error, headOf(body))
    return
  }
  const { payload, blobs } = encoded
  const head = headOf(body)
  const output = { attempt, output: payload, blobs: blobs.map(({ id }) => id) }
  const message = { type: 'stepCommit' as const, ...placeInRun(body), ...head, ...output }
  execution.outbox.post(message, blobs, {
    onAck() {
      // The value as it was stored, for objects and -0 too: what the code sees now is what a replay will show it.
      const made = new Map(blobs.map(({ id, blob }) => [id, blob]))
      execution.releases.live(() => resolveWith(call, payload, made))
    },
    onUnstorable: (error) => sayFailed(body, error, head),
  })
}

function resolveWith<V>(call: Call<V>, payload: Payload, blobs: ReadBlobs): void {
  const { execution, name } = call
  let value: V
  try {
    value = replayed<V>(execution.codec, payload, blobs)
  } catch (reason) {
    call.reject(fatal(execution, toStepwellError(reason), name))
    return
  }
  call.resolve(value)
}

function failed<V>(body: Body<V>, thrown: unknown): void {
  // A body that fails after its signal has fired failed for that.
  if (isWanted(body)) sayFailed(body, body.timeout ?? thrown, headOf(body))
}

function sayFailed<V>(body: Body<V>, thrown: unknown, head: Head): void {
  const { execution, call, attempt, policy } = body
  const retry = retryOf(policy.retry, body, thrown)
  const place = { attempt, stepName: call.name }
  const error = toFailure(thrown, place)
  execution.thrownBy.set(thrown, place)
  if (retry !== undefined) call.failedAttempts = attempt
  const onAck =
    retry === undefined
      ? () => execution.releases.live(() => call.reject(thrown))
      : call.waitPosted()
  const outcome = { kind: 'run' as const, attempt, error, retry }
  const message = { type: 'stepFail' as const, ...placeInRun(body), ...outcome, ...head }
  execution.outbox.post(message, [], { onAck })
}

function placeInRun<V>({ execution, call }: Body<V>) {
  const { assignment, generation } = execution
  return { runId: assignment.runId, generation, stepName: call.name }
}

interface Head {
  readonly durationMs: number
  readonly report: Report
}

/** What an outcome's message says beside the outcome. Ends the body. */
function headOf<V>(body: Body<V>): Head {
  const { execution, call, startedAt } = body
  endBody(body)
  execution.bodies.delete(call.name)
  return {
    durationMs: Math.max(0, Math.round(performance.now() - startedAt)),
    report: execution.reports.take(),
  }
}

function isThenable<V>(value: V | Promise<V>): value is Promise<V> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return typeof Reflect.get(value, 'then') === 'function'
}
