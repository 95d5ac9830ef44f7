/**
 * `step.run`: a stored outcome is replayed, any other body runs, and its outcome reaches the job's code only after the
 * engine has stored it.
 */
import { type Encoded, type ReadBlobs, replayed } from '../codec/codec.js'
import { StepwellError, toStepwellError } from '../errors.js'
import type { Payload, Report, Step as StoredStep } from '../generated/protocol.js'
import type { Step, StepContext } from '../step.js'
import { type Execution, endedError, stopError } from './execution.js'
import { fromFailure, toFailure } from './failure.js'

const STEP_NAME_CHARS_MAX = 256

/** Calls a body with its context. */
export type CallBody = <V>(name: string, attempt: number, body: (context: StepContext) => V) => V

/** One call of `step.run`. */
interface Call<V> {
  readonly name: string
  readonly body: (context: StepContext) => V | Promise<V>
  readonly resolve: (value: V) => void
  readonly reject: (reason: unknown) => void
}

export function createStepRunner(execution: Execution, callBody: CallBody): Step['run'] {
  const memo = new Map(execution.assignment.memo.map((stored) => [stored.name, stored]))
  const used = new Set<string>()
  return <V>(name: string, body: (context: StepContext) => V | Promise<V>): Promise<V> => {
    const refusal = check(execution, used, name, body)
    if (refusal !== null) return Promise.reject(refusal)
    used.add(name)
    return openCall(execution, name, body, (call) => {
      const stored = memo.get(name)
      if (stored === undefined || stored.completedIndex === undefined) {
        runBody(execution, callBody, call, (stored?.attempt ?? 0) + 1)
      } else {
        replay(execution, call, stored, stored.completedIndex)
      }
    })
  }
}

/** A call whose promise settles once, and that an abort of the run can reject. */
function openCall<V>(
  execution: Execution,
  name: string,
  body: (context: StepContext) => V | Promise<V>,
  start: (call: Call<V>) => void,
): Promise<V> {
  let open: { readonly reject: (reason: unknown) => void } | null = null
  const promise = new Promise<V>((resolve, reject) => {
    const close = () => {
      if (open !== null) execution.openSteps.delete(open)
    }
    open = {
      reject(reason) {
        promise.catch(() => undefined)
        reject(reason)
      },
    }
    execution.openSteps.add(open)
    start({
      name,
      body,
      resolve(value) {
        close()
        resolve(value)
      },
      reject(reason) {
        close()
        reject(reason)
      },
    })
  })
  return promise
}

function check(
  execution: Execution,
  used: ReadonlySet<string>,
  name: unknown,
  body: unknown,
): StepwellError | null {
  const { phase, assignment, controller } = execution
  if (phase === 'aborted') {
    const { reason } = controller.signal
    return reason instanceof StepwellError ? reason : stopError('lease_lost', assignment.runId)
  }
  if (phase === 'ended') return endedError(execution)
  const invalid = invalidArgument(name, body)
  if (invalid !== null) return invalid
  if (typeof name !== 'string' || !used.has(name)) return null
  const error = new StepwellError(
    'duplicate_step',
    `Step "${name}" was called twice in one execution of job "${assignment.jobName}". Each call needs a name of its ` +
      `own, because its result is stored under it: in a loop add an index, as in step.run(\`${name}-\${i}\`, …).`,
  )
  return fatal(execution, error, name)
}

/** The run fails with this error, even where its function catches it. */
function fatal(execution: Execution, error: StepwellError, stepName: string): StepwellError {
  execution.thrownBy.set(error, { attempt: execution.assignment.attempt, stepName })
  execution.fail(error)
  return error
}

function invalidArgument(name: unknown, body: unknown): StepwellError | null {
  if (typeof name !== 'string' || name === '' || name.length > STEP_NAME_CHARS_MAX) {
    return new StepwellError(
      'invalid_input',
      `step.run: "name" must be a string of 1 to ${STEP_NAME_CHARS_MAX} characters.`,
    )
  }
  // Half a surrogate pair would be stored as U+FFFD, so that a replay would not find the step.
  if (/\p{Surrogate}/u.test(name)) {
    return new StepwellError('invalid_input', 'step.run: "name" must be well-formed Unicode.')
  }
  if (typeof body !== 'function') {
    return new StepwellError(
      'invalid_input',
      `step.run("${name}"): the second argument must be a function.`,
    )
  }
  return null
}

function replay<V>(execution: Execution, call: Call<V>, stored: StoredStep, index: number): void {
  if (stored.kind !== 'run') {
    const error = new StepwellError(
      'history_mismatch',
      `Step "${call.name}" was recorded by another kind of call than step.run. Give the new step another name.`,
    )
    call.reject(fatal(execution, error, call.name))
    return
  }
  if (stored.error === undefined) {
    const { output = '' } = stored
    execution.releases.memoised(index, () => resolveWith(execution, call, output, execution.blobs))
    return
  }
  const error = fromFailure(stored.error)
  execution.thrownBy.set(error, { attempt: stored.attempt, stepName: call.name })
  execution.releases.memoised(index, () => call.reject(error))
}

/** What cannot be decoded here (a serializer is missing, a file is gone) cannot be decoded by the job's code either. */
function resolveWith<V>(
  execution: Execution,
  call: Call<V>,
  output: Payload,
  blobs: ReadBlobs,
): void {
  let value: V
  try {
    value = replayed<V>(execution.codec, output, blobs)
  } catch (reason) {
    call.reject(fatal(execution, toStepwellError(reason), call.name))
    return
  }
  call.resolve(value)
}

function runBody<V>(
  execution: Execution,
  callBody: CallBody,
  call: Call<V>,
  attempt: number,
): void {
  const { outbox, inFlight, assignment, generation } = execution
  // It leaves with what else is said in this checkpoint: with the outcome itself, where the body is quick. A message of
  // its own would cost a fast step a second round through the engine.
  outbox.tell({
    type: 'stepStart',
    runId: assignment.runId,
    generation,
    stepName: call.name,
    attempt,
    timeoutMs: undefined,
    retry: undefined,
  })
  inFlight.set(call.name, { attempt })
  const body: Body<V> = { execution, call, attempt, startedAt: performance.now() }
  const onError = (thrown: unknown) => failed(body, thrown)
  let result: V | Promise<V>
  try {
    result = callBody(call.name, attempt, call.body)
  } catch (thrown) {
    onError(thrown)
    return
  }
  if (isThenable(result)) Promise.resolve(result).then((value) => returned(body, value), onError)
  else returned(body, result)
}

/** A body that has been started. */
interface Body<V> {
  readonly execution: Execution
  readonly call: Call<V>
  readonly attempt: number
  readonly startedAt: number
}

function returned<V>(body: Body<V>, value: V): void {
  const { execution, call, attempt } = body
  if (execution.phase !== 'running') return
  let encoded: Encoded
  try {
    encoded = execution.codec.encode(value, `the output of step "${call.name}"`)
  } catch (error) {
    failed(body, error)
    return
  }
  const { payload, blobs } = encoded
  const ids = blobs.map(({ id }) => id)
  const message = {
    type: 'stepCommit' as const,
    ...placeInRun(body),
    ...headOf(body),
    attempt,
    output: payload,
    blobs: ids,
  }
  execution.outbox.post(message, blobs, {
    onAck() {
      // The value as it was stored, for objects and -0 too: what the code sees now is what a replay will show it.
      const made = new Map(blobs.map(({ id, blob }) => [id, blob]))
      execution.releases.live(() => resolveWith(execution, call, payload, made))
    },
    onUnstorable: (error) => failed(body, error, message),
  })
}

/** @param said what was already said of the body's end, and could not be stored. */
function failed<V>(body: Body<V>, thrown: unknown, said?: Head): void {
  const { execution, call, attempt } = body
  if (execution.phase !== 'running') return
  const place = { attempt, stepName: call.name }
  const error = toFailure(thrown, place)
  execution.thrownBy.set(thrown, place)
  const { durationMs, report } = said ?? headOf(body)
  const { runId, generation, stepName } = placeInRun(body)
  const message = {
    runId,
    generation,
    stepName,
    kind: 'run' as const,
    attempt,
    error,
    retry: undefined,
    durationMs,
    report,
  }
  execution.outbox.post({ type: 'stepFail', ...message }, [], {
    onAck: () => execution.releases.live(() => call.reject(thrown)),
  })
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
function headOf<V>({ execution, call, startedAt }: Body<V>): Head {
  execution.inFlight.delete(call.name)
  return {
    durationMs: Math.max(0, Math.round(performance.now() - startedAt)),
    report: execution.reports.take(),
  }
}

function isThenable<V>(value: V | Promise<V>): value is Promise<V> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return typeof Reflect.get(value, 'then') === 'function'
}
