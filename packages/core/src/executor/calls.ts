/** Calls of steps, of whatever kind, from the call to the outcome that the job's code gets. */
import { isStepwellError, StepwellError, toStepwellError } from '../errors.js'
import type { Step, StepKind } from '../generated/protocol.js'
import { type CallState, createCallState } from './call-state.js'
import { type Execution, endedError, fatal, type Memo } from './execution.js'
import { fromFailure } from './failure.js'
import type { Ready } from './releases.js'
import { stopError } from './stop-errors.js'
import { blobIdsOfStep } from './stored-blobs.js'

const STEP_NAME_CHARS_MAX = 256

/** What the kinds of steps differ in. */
export interface CallKind<V> {
  readonly kind: StepKind
  /** What made it, for messages: `step.run`. */
  readonly method: string
  /** Starts it, for the first time or again. @param stored what is stored of it. */
  begin(call: Call<V>, stored: Step | undefined): void
  /** The value of an outcome that is stored with the step. Throws where it cannot be read. */
  read(stored: Step): V
  /** Why a stored step of this kind is not this call's. */
  mismatch?(stored: Step): string | null
}

/** What is not about its value. Functions and no getters, of which each would give each call a hidden class of its own. */
export interface AnyCall {
  readonly name: string
  isWaiting(): boolean
  /** The engine told what became of it. */
  learn(step: Step, ready: Ready): void
}

export interface Call<V> extends AnyCall {
  readonly execution: Execution
  readonly promise: Promise<V>
  isSettled(): boolean
  /** Attempts that failed and do not end it, the last one's number. */
  failedAttempts: number
  resolve(value: V): void
  reject(reason: unknown): void
  /** A wait is said to the engine. @returns to be called with the acknowledgement. */
  waitPosted(): () => void
  /** Forgets it: it never settles. @returns whether there was something to forget. */
  drop(): boolean
}

/** A promise for the function, which an abort of its run rejects. */
export interface Open<V> {
  readonly promise: Promise<V>
  resolve(value: V): void
  reject(reason: unknown): void
}

export function openPromise<V>({ open }: Execution): Open<V> {
  let resolvePromise: (value: V) => void = () => undefined
  let rejectPromise: (reason: unknown) => void = () => undefined
  const promise = new Promise<V>((resolve, reject) => {
    resolvePromise = resolve
    rejectPromise = reject
  })
  const aborter = {
    reject(reason: unknown) {
      promise.catch(() => undefined)
      rejectPromise(reason)
    },
  }
  open.add(aborter)
  return {
    promise,
    resolve(value) {
      open.delete(aborter)
      resolvePromise(value)
    },
    reject(reason) {
      open.delete(aborter)
      rejectPromise(reason)
    },
  }
}

/**
 * Throws why this call cannot be made.
 * @param check throws what is wrong with the other arguments.
 */
export function claimName<T>(
  execution: Execution,
  method: string,
  name: unknown,
  check: (name: string) => T,
): T {
  refuseLate(execution)
  checkName(method, name)
  const checked = check(name)
  if (execution.used.has(name)) throw duplicate(execution, method, name)
  execution.used.add(name)
  return checked
}

/** After its abort or its end a function makes no calls any more. */
export function refuseLate(execution: Execution): void {
  const { phase, assignment, controller } = execution
  if (phase === 'running') return
  if (phase === 'ended') throw endedError(execution)
  const { reason } = controller.signal
  throw isStepwellError(reason) ? reason : stopError('lease_lost', assignment.runId)
}

export function checkName(method: string, name: unknown): asserts name is string {
  if (typeof name !== 'string' || name === '' || name.length > STEP_NAME_CHARS_MAX) {
    throw new StepwellError(
      'invalid_input',
      `${method}: "name" must be a string of 1 to ${STEP_NAME_CHARS_MAX} characters.`,
    )
  }
  // Half a surrogate pair would be stored as U+FFFD, so that a replay would not find the step.
  if (/\p{Surrogate}/u.test(name)) {
    throw new StepwellError('invalid_input', `${method}: "name" must be well-formed Unicode.`)
  }
}

function duplicate(execution: Execution, method: string, name: string): StepwellError {
  const error = new StepwellError(
    'duplicate_step',
    `Step "${name}" was called twice in one execution of job "${execution.assignment.jobName}". Each call needs a name ` +
      `of its own, because its result is stored under it: in a loop add an index, as in ${method}(\`${name}-\${i}\`, …).`,
  )
  return fatal(execution, error, name)
}

/** Makes a call whose name was claimed. */
export function openCall<V>(execution: Execution, name: string, kind: CallKind<V>): Call<V> {
  const { calls, memo, releases, suspension } = execution
  const opened = openPromise<V>(execution)
  const state = createCallState(suspension)

  const settle = (): boolean => {
    if (!state.settle()) return false
    if (calls.get(name) === call) calls.delete(name)
    return true
  }
  const call: Call<V> = {
    execution,
    name,
    promise: opened.promise,
    failedAttempts: 0,
    isSettled: () => state.is('settled'),
    isWaiting: () => state.is('waiting'),
    learn(step, ready) {
      if (state.is('held')) memo.set(name, { stored: step, ready })
      if (!state.is('posted') && !state.is('waiting')) return
      if (step.status === 'waiting' || step.status === 'running') return
      // Said again by the engine, and meanwhile the next attempt failed too.
      if (step.status === 'pending' && step.attempt < call.failedAttempts) return
      suspension.waitEnded()
      state.begin()
      if (step.status === 'pending') kind.begin(call, step)
      else releases.live(() => settleAs(call, kind, step), ready)
    },
    resolve(value) {
      if (settle()) opened.resolve(value)
    },
    reject(reason) {
      if (settle()) opened.reject(reason)
    },
    waitPosted: () => state.post(),
    drop: settle,
  }
  calls.set(name, call)
  suspension.whenActive(() => {
    if (execution.phase !== 'running' || !state.is('held')) return
    state.begin()
    startCall(call, kind, state)
  })
  return call
}

/** Replays what is stored of it, or begins it. */
function startCall<V>(call: Call<V>, kind: CallKind<V>, state: CallState): void {
  const { execution, name } = call
  const known = execution.memo.get(name)
  if (known === undefined) {
    kind.begin(call, undefined)
    return
  }
  execution.memo.delete(name)
  const { stored, ready } = known
  const { completedIndex } = stored
  const error = mismatchOf(kind, known)
  if (error !== null) {
    call.reject(fatal(execution, error, name))
  } else if (completedIndex !== undefined) {
    execution.releases.memoised(completedIndex, () => settleAs(call, kind, stored), ready)
  } else if (stored.status === 'waiting') {
    state.wait()
  } else {
    kind.begin(call, stored)
  }
}

/** What cannot be decoded here (a serializer is missing, a file is gone) cannot be decoded by the job's code either. */
function settleAs<V>(call: Call<V>, kind: CallKind<V>, stored: Step): void {
  const { execution, name } = call
  if (stored.status === 'failed' && stored.error !== undefined) {
    const error = fromFailure(stored.error)
    execution.thrownBy.set(error, { attempt: stored.attempt, stepName: name })
    call.reject(error)
    return
  }
  let value: V
  try {
    value = kind.read(stored)
  } catch (reason) {
    call.reject(fatal(execution, toStepwellError(reason), name))
    return
  }
  call.resolve(value)
}

function mismatchOf<V>(kind: CallKind<V>, { stored }: Memo): StepwellError | null {
  const { name } = stored
  if (stored.kind !== kind.kind) {
    return new StepwellError(
      'history_mismatch',
      `Step "${name}" was recorded by another kind of call (${stored.kind}) than ${kind.method}. Give the new step ` +
        'another name.',
    )
  }
  const why = kind.mismatch?.(stored) ?? null
  if (why === null) return null
  return new StepwellError('history_mismatch', `${kind.method}("${name}"): ${why}`)
}

/** Takes what the engine tells of a step: to its call, or kept for when it is called. */
export function learn({ calls, memo, used, blobs }: Execution, step: Step): void {
  const ready = blobs.read(blobIdsOfStep(step))
  const call = calls.get(step.name)
  if (call !== undefined) call.learn(step, ready)
  else if (!used.has(step.name)) memo.set(step.name, { stored: step, ready })
}

/** Makes a call, or rejects with why it cannot be made. */
export function attemptCall<V>(make: () => Promise<V>): Promise<V> {
  try {
    return make()
  } catch (error) {
    return Promise.reject(error)
  }
}
