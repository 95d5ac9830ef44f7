/**
 * What events make of a run's steps. Pure; each function gives the same array where nothing changes. The order is the
 * engine's: outcomes as they were stored, then pending and waiting steps by name, then running ones.
 */
import { toWaitingFor, type UntypedRun } from '../client/convert.js'
import { isTerminal } from '../client/wait.js'
import type { RunEvent } from '../generated/protocol.js'
import type { Step } from '../types.js'

type Steps = readonly Step[]
type EventOf<T> = Extract<RunEvent, { type: T }>

export function hasOutcome(steps: Steps, name: string): boolean {
  return steps.some((step) => step.name === name && step.completedIndex !== null)
}

export function withoutRunning(steps: Steps): Steps {
  const left = steps.filter(({ status }) => status !== 'running')
  return left.length === steps.length ? steps : left
}

/**
 * Whether one that runs had failed before: once it runs no more its stored row is what there is of it again, and that is
 * not known here.
 */
export function leavesStored(steps: Steps): boolean {
  return steps.some(({ status, attempt }) => status === 'running' && attempt > 1)
}

/** After the run's end: nothing runs, and nothing is waited for. */
export function idleSteps(steps: Steps): Steps {
  const isIdle = ({ status }: Step) => status !== 'running' && status !== 'waiting'
  if (steps.every(isIdle)) return steps
  return arranged(
    withoutRunning(steps).map((step) => (step.status === 'waiting' ? idle(step) : step)),
  )
}

/** Before the run's next attempt: only what completed stands. */
export function retriedSteps(steps: Steps): Steps {
  if (steps.every(({ status }) => status === 'completed')) return steps
  const isOver = ({ status }: Step) => status === 'completed' || status === 'pending'
  return arranged(withoutRunning(steps).map((step) => (isOver(step) ? step : idle(step))))
}

export function startedStep(
  { run, steps }: { run: UntypedRun; steps: Steps },
  event: EventOf<'step:start'>,
): Steps {
  const { stepName: name, attempt, timestamp } = event
  const known = steps.find((step) => step.name === name)
  // Told late: that attempt has ended, or the run is over.
  if (isTerminal(run.status) || known?.status === 'completed' || known?.status === 'failed') {
    return steps
  }
  if (known !== undefined && known.attempt >= attempt) return steps
  return withStep(steps, {
    name,
    kind: 'run',
    status: 'running',
    completedIndex: null,
    attempt,
    startedAt: timestamp,
    completedAt: null,
  })
}

/** `isKnown`: what is known may be newer than the event, but for a step that it does not show to be. */
export function waitingStep(steps: Steps, event: EventOf<'step:wait'>, isKnown: boolean): Steps {
  const { stepName: name, stepKind: kind, attempt, startedAt } = event
  const known = steps.find((step) => step.name === name)
  if (known !== undefined) {
    if (known.completedIndex !== null) return steps
    if (isKnown && (known.status !== 'running' || known.attempt > attempt)) return steps
  }
  const waitingFor = toWaitingFor(event.waitingFor)
  return withStep(steps, {
    name,
    kind,
    status: 'waiting',
    completedIndex: null,
    attempt,
    startedAt,
    completedAt: null,
    waitingFor,
    ...(waitingFor.kind === 'retry' ? { error: waitingFor.error } : {}),
  })
}

export function wokenStep(steps: Steps, { stepName, attempt }: EventOf<'step:wake'>): Steps {
  const known = steps.find(({ name }) => name === stepName)
  if (known?.status !== 'waiting' || known.attempt > attempt) return steps
  return withStep(steps, { ...idle(known), attempt })
}

export function completedStep(steps: Steps, event: EventOf<'step:complete'>): Steps {
  const { stepName: name, stepKind: kind, attempt, completedIndex, startedAt, timestamp } = event
  return withStep(steps, {
    name,
    kind,
    status: 'completed',
    completedIndex,
    attempt,
    startedAt,
    completedAt: timestamp,
  })
}

/** It has to run, or to run again. */
function idle(step: Step): Step {
  const { name, kind, attempt, startedAt, error } = step
  return {
    name,
    kind,
    status: 'pending',
    completedIndex: null,
    attempt,
    startedAt,
    completedAt: null,
    ...(error === undefined ? {} : { error }),
  }
}

/** With that step, at its place, instead of what was known of it. */
function withStep(steps: Steps, step: Step): Steps {
  const others = steps.filter(({ name }) => name !== step.name)
  const place = others.findIndex((other) => inOrder(other, step) > 0)
  if (place < 0) others.push(step)
  else others.splice(place, 0, step)
  return others
}

function arranged(steps: Steps): Steps {
  return [...steps].sort(inOrder)
}

const OUTCOME = 0
const OPEN = 1
const RUNNING = 2

function groupOf({ status, completedIndex }: Step): number {
  if (completedIndex !== null) return OUTCOME
  return status === 'running' ? RUNNING : OPEN
}

/** Running ones stay in the order in which they were started. */
function inOrder(a: Step, b: Step): number {
  const group = groupOf(a)
  if (group !== groupOf(b)) return group - groupOf(b)
  if (group === OPEN) return a.name < b.name ? -1 : 1
  return group === OUTCOME ? (a.completedIndex ?? 0) - (b.completedIndex ?? 0) : 0
}
