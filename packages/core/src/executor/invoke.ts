/** `step.invoke` and `step.invokeAll`: other jobs as children of the run. */
import { newTrigger, type Prepared } from '../client/new-trigger.js'
import { checkChildOptions } from '../client/trigger-options.js'
import { isStepwellError, StepwellError } from '../errors.js'
import type { InvokeMode, Step as StoredStep } from '../generated/protocol.js'
import type { AnyJob, Args, JobOutput } from '../infer.js'
import { isJob, jobDefinition } from '../job.js'
import { checkOneOf, checkOptions, invalid, shown } from '../options.js'
import type { InvokeCall, InvokeOptions, Settled, Step } from '../step.js'
import { attemptCall, type Call, claimName, openCall } from './calls.js'
import { createChildResults } from './child-results.js'
import type { Execution } from './execution.js'
import { toFailure } from './failure.js'

/** The engine's limit. */
const CHILDREN_MAX = 1000

/** A child as the parent's code asks for it, not checked yet: what is wrong with one fails the step. */
interface Child {
  readonly job: unknown
  readonly input: unknown
  readonly options: unknown
}

interface Invocation {
  readonly method: 'step.invoke' | 'step.invokeAll'
  readonly mode: InvokeMode
  readonly children: readonly Child[]
}

type Jobs = readonly AnyJob[]
type Calls<Js extends Jobs> = { readonly [K in keyof Js]: InvokeCall<Js[K]> }
type Outputs<Js extends Jobs> = { -readonly [K in keyof Js]: JobOutput<Js[K]> }
type AllSettled<Js extends Jobs> = { -readonly [K in keyof Js]: Settled<JobOutput<Js[K]>> }

export function createInvoke(execution: Execution): Pick<Step, 'invoke' | 'invokeAll'> {
  const results = createChildResults(execution)

  function invoke<J extends AnyJob>(
    name: string,
    job: J,
    ...args: Args<J, InvokeOptions<J>>
  ): Promise<JobOutput<J>>
  function invoke(
    name: string,
    job: unknown,
    input?: unknown,
    options?: unknown,
  ): Promise<unknown> {
    return attemptCall(() => {
      claimName(execution, 'step.invoke', name, () => null)
      const children = [{ job, input, options }]
      const invocation: Invocation = { method: 'step.invoke', mode: 'failFast', children }
      return openInvoke(execution, name, invocation, (stored) => results.outputs(stored)[0])
    })
  }
  function invokeAll<const Js extends Jobs>(
    name: string,
    calls: Calls<Js>,
    options: { readonly mode: 'settled' },
  ): Promise<AllSettled<Js>>
  function invokeAll<const Js extends Jobs>(
    name: string,
    calls: Calls<Js>,
    options?: { readonly mode?: 'failFast' },
  ): Promise<Outputs<Js>>
  function invokeAll(name: string, calls: unknown, options?: unknown): Promise<unknown> {
    return attemptCall(() => {
      const { children, mode } = claimName(execution, 'step.invokeAll', name, () => {
        const what = `step.invokeAll("${name}")`
        return { mode: checkMode(options, what), children: checkCalls(calls, what) }
      })
      const invocation: Invocation = { method: 'step.invokeAll', mode, children }
      const read = mode === 'failFast' ? results.outputs : results.settled
      return openInvoke<unknown>(execution, name, invocation, read)
    })
  }
  return { invoke, invokeAll }
}

function checkMode(options: unknown, what: string): InvokeMode {
  const { mode = 'failFast' } = checkOptions(options, what, ['mode'])
  return checkOneOf(mode, `The option mode of ${what}`, ['failFast', 'settled'])
}

function checkCalls(calls: unknown, what: string): readonly Child[] {
  if (!Array.isArray(calls)) {
    throw invalid(`${what} takes an array of { job, input, … }, and got ${shown(calls)}.`)
  }
  if (calls.length > CHILDREN_MAX) {
    throw invalid(
      `${what} may have ${CHILDREN_MAX} children, and has ${calls.length}. Use several calls, each with a name of its own.`,
    )
  }
  return Array.from(calls, toChild)
}

function toChild(call: unknown): Child {
  if (typeof call !== 'object' || call === null) {
    return { job: call, input: undefined, options: undefined }
  }
  const { job, input, ...options } = { job: undefined, input: undefined, ...call }
  return { job, input, options }
}

function openInvoke<V>(
  execution: Execution,
  name: string,
  invocation: Invocation,
  read: (stored: Pick<StoredStep, 'name' | 'children'>) => V,
): Promise<V> {
  const { method, children } = invocation
  return openCall<V>(execution, name, {
    kind: 'invoke',
    method,
    begin(call, stored) {
      // Nothing to wait for, and nothing to store: each replay finds the same.
      if (children.length === 0) call.resolve(read({ name, children: [] }))
      else void beginInvoke(call, stored, invocation)
    },
    read,
    mismatch: (stored) => mismatch(stored, children),
  }).promise
}

async function beginInvoke<V>(
  call: Call<V>,
  stored: StoredStep | undefined,
  invocation: Invocation,
): Promise<void> {
  const { execution, name } = call
  let prepared: readonly Prepared[]
  try {
    prepared = await prepareAll(execution, name, invocation)
  } catch (reason) {
    if (isWanted(call)) postFailure(call, stored, reason)
    return
  }
  if (!isWanted(call)) return
  const blobs = prepared.flatMap((child) => child.blobs)
  const children = prepared.map(({ run }) => run)
  const message = { type: 'stepInvoke' as const, ...headOf(call), mode: invocation.mode, children }
  execution.outbox.post(message, blobs, {
    onAck: call.waitPosted(),
    onUnstorable: (error) => postFailure(call, stored, error),
  })
}

function isWanted<V>(call: Call<V>): boolean {
  return call.execution.phase === 'running' && !call.isSettled()
}

/** No child is made. */
function postFailure<V>(call: Call<V>, stored: StoredStep | undefined, reason: unknown): void {
  const { execution, name } = call
  const attempt = (stored?.attempt ?? 0) + 1
  const place = { attempt, stepName: name }
  execution.thrownBy.set(reason, place)
  const error = toFailure(reason, place)
  const outcome = { kind: 'invoke' as const, attempt, error, retry: undefined, durationMs: 0 }
  execution.outbox.post({ type: 'stepFail', ...headOf(call), ...outcome }, [], {
    onAck: () => execution.releases.live(() => call.reject(reason)),
  })
}

function headOf<V>({ execution, name }: Call<V>) {
  const { assignment, generation, reports } = execution
  return { runId: assignment.runId, generation, stepName: name, report: reports.take() }
}

/** Side by side, for a schema may ask a server; the first child that is wrong is told, whichever is found wrong first. */
async function prepareAll(
  execution: Execution,
  name: string,
  { method, children }: Invocation,
): Promise<readonly Prepared[]> {
  const what = `${method}("${name}")`
  const outcomes = await Promise.allSettled(
    children.map((child) => prepare(execution, child, what)),
  )
  return outcomes.map((outcome, index) => {
    if (outcome.status === 'fulfilled') return outcome.value
    throw method === 'step.invoke' ? outcome.reason : atIndex(index, outcome.reason)
  })
}

async function prepare({ codec }: Execution, child: Child, what: string): Promise<Prepared> {
  const { job, input, options } = child
  if (!isJob(job)) {
    throw invalid(`the job in ${what} must be one that defineJob made, and is ${shown(job)}.`)
  }
  const settings = checkChildOptions(options, what)
  return newTrigger(codec.encode, jobDefinition(job), input, settings, what)
}

function atIndex(index: number, reason: unknown): unknown {
  if (!isStepwellError(reason)) return reason
  const { code, message, issues, cause } = reason
  return new StepwellError(code, `children[${index}]: ${message}`, { issues, cause })
}

function mismatch(
  { status, children: stored }: StoredStep,
  children: readonly Child[],
): string | null {
  // Where an input was wrong none were made.
  if (status === 'failed' && stored.length === 0) return null
  const before = stored.map(({ jobName }) => jobName)
  const now = children.map(({ job }) => (isJob(job) ? job.name : shown(job)))
  if (before.length !== now.length) {
    return `it was recorded with ${before.length} children, and now has ${now.length}. Give the new step another name.`
  }
  const index = before.findIndex((jobName, at) => jobName !== now[at])
  if (index === -1) return null
  return (
    `children[${index}] was recorded as a run of job "${before[index]}", and now is one of "${now[index]}". Give the ` +
    'new step another name.'
  )
}
