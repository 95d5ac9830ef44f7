/**
 * From a run as it was read and an event to the run as it is. Pure. What an event cannot tell (an output, a failure's
 * message) is not guessed: the answer is then that the run must be read again.
 */

import type { UntypedRun } from '../client/convert.js'
import { isTerminal } from '../client/wait.js'
import type { Progress, RunEvent } from '../generated/protocol.js'
import type { Step } from '../types.js'

export interface RunSnapshot {
  readonly run: UntypedRun
  readonly steps: readonly Step[]
}

export interface Reduced {
  readonly snapshot: RunSnapshot
  /** Whether it has to be read again. */
  readonly isStale: boolean
}

export function reduceRun(snapshot: RunSnapshot, event: RunEvent): Reduced {
  const { run } = snapshot
  // Of the version that was read, or older: the state is known. Only running steps and progress have no version of their
  // own, and their rules below bear repetition.
  const isKnown = event.version <= run.version
  if (event.version < run.version) return same(snapshot)
  switch (event.type) {
    case 'run:start':
      return isKnown
        ? same(snapshot)
        : changed(runningRun(run, event, event.attempt), snapshot.steps)
    case 'run:resume': {
      if (isKnown) return same(snapshot)
      const running = runningRun(run, event, run.attempt)
      return changed({ ...running, recoveries: event.recoveries }, withoutRunning(snapshot.steps))
    }
    case 'run:cancel':
      if (isKnown) return same(snapshot)
      return changed(cancelledRun(run, event), withoutRunning(snapshot.steps))
    case 'run:complete':
    case 'run:fail':
    case 'run:retry':
      return { snapshot, isStale: !isKnown || event.status !== run.status }
    case 'run:progress':
      // Not its version: the end of a run with which it was reported has the same one, and is not known by this.
      return changed(
        { ...run, progress: event.progress, updatedAt: event.timestamp },
        snapshot.steps,
      )
    case 'step:start':
      return changed(run, startedStep(snapshot, event))
    case 'step:complete':
      if (isKnown && hasOutcome(snapshot.steps, event.stepName)) return same(snapshot)
      return changed(
        counted(run, event, event.completedIndex),
        completedStep(snapshot.steps, event),
      )
    case 'step:fail':
      return { snapshot, isStale: !isKnown || !hasOutcome(snapshot.steps, event.stepName) }
    default:
      return same(snapshot)
  }
}

/**
 * The same for a run without its steps, as lists show it: of a step it shows only the count. What says nothing new keeps
 * the reference.
 */
export function reduceRow(run: UntypedRun, event: RunEvent): { run: UntypedRun; isStale: boolean } {
  if (event.type === 'step:complete' || event.type === 'step:fail') {
    const isNews = event.version > run.version
    return { run: isNews ? counted(run, event, event.completedIndex) : run, isStale: false }
  }
  if (event.type === 'run:progress' && isSameProgress(run.progress, event.progress)) {
    return { run, isStale: false }
  }
  const { snapshot, isStale } = reduceRun({ run, steps: [] }, event)
  return { run: snapshot.run, isStale }
}

export function isSameProgress(a: Progress | null, b: Progress | null): boolean {
  return a?.current === b?.current && a?.total === b?.total && a?.message === b?.message
}

type EventOf<T> = Extract<RunEvent, { type: T }>

function same(snapshot: RunSnapshot): Reduced {
  return { snapshot, isStale: false }
}

function changed(run: UntypedRun, steps: readonly Step[]): Reduced {
  return { snapshot: { run, steps }, isStale: false }
}

function counted(
  run: UntypedRun,
  { version, timestamp }: RunEvent,
  completedIndex: number,
): UntypedRun {
  const stepCount = Math.max(run.stepCount, completedIndex + 1)
  return { ...run, version, updatedAt: timestamp, stepCount }
}

/** What a run has whatever its status. */
function baseOf(run: UntypedRun) {
  const { id, jobName, input, progress, attempt, recoveries, stepCount, logCount, labels } = run
  const { priority, idempotencyKey, concurrencyKey, createdAt, startAt, startedAt } = run
  return {
    id,
    jobName,
    input,
    progress,
    attempt,
    recoveries,
    stepCount,
    logCount,
    labels,
    priority,
    idempotencyKey,
    concurrencyKey,
    createdAt,
    startAt,
    startedAt,
  }
}

function runningRun(run: UntypedRun, event: RunEvent, attempt: number): UntypedRun {
  const { version, timestamp } = event
  const startedAt = run.startedAt ?? timestamp
  const base = { ...baseOf(run), attempt, version, updatedAt: timestamp, startedAt }
  return { ...base, status: 'running', completedAt: null }
}

function cancelledRun(run: UntypedRun, { version, timestamp }: RunEvent): UntypedRun {
  const base = { ...baseOf(run), version, updatedAt: timestamp }
  return { ...base, status: 'cancelled', completedAt: timestamp }
}

function hasOutcome(steps: readonly Step[], name: string): boolean {
  return steps.some((step) => step.name === name && step.completedIndex !== null)
}

function withoutRunning(steps: readonly Step[]): readonly Step[] {
  return steps.filter(({ status }) => status !== 'running')
}

function startedStep({ run, steps }: RunSnapshot, event: EventOf<'step:start'>): readonly Step[] {
  const { stepName: name, attempt, timestamp } = event
  const known = steps.find((step) => step.name === name)
  // Told late: the outcome of that attempt is known, or the run is over.
  if (isTerminal(run.status) || known?.status === 'completed' || known?.status === 'failed') {
    return steps
  }
  if (known?.status === 'running' && known.attempt >= attempt) return steps
  const step: Step = {
    name,
    kind: 'run',
    status: 'running',
    completedIndex: null,
    attempt,
    startedAt: timestamp,
    completedAt: null,
  }
  return [...steps.filter((other) => other !== known), step]
}

/** In the order of outcomes, running ones last: as the engine lists them. */
function completedStep(steps: readonly Step[], event: EventOf<'step:complete'>): readonly Step[] {
  const { stepName: name, attempt, completedIndex, startedAt, timestamp } = event
  const step: Step = {
    name,
    kind: 'run',
    status: 'completed',
    completedIndex,
    attempt,
    startedAt,
    completedAt: timestamp,
  }
  const others = steps.filter((other) => other.name !== name)
  const ended = others.filter((other) => other.completedIndex !== null)
  return [...ended, step, ...others.filter((other) => other.completedIndex === null)]
}
