/**
 * From a run as it was read and an event to the run as it is. Pure. What an event cannot tell (an output, a failure's
 * message) is not guessed: the answer is then that the run must be read again.
 */

import type { UntypedRun } from '../client/convert.js'
import type { Progress, RunEvent } from '../generated/protocol.js'
import type { Step } from '../types.js'
import { cancelledRun, counted, runningRun, waitingRun, written } from './reduce-run.js'
import {
  completedStep,
  hasOutcome,
  idleSteps,
  leavesStored,
  retriedSteps,
  startedStep,
  waitingStep,
  withoutRunning,
  wokenStep,
} from './reduce-steps.js'

export interface RunSnapshot {
  readonly run: UntypedRun
  readonly steps: readonly Step[]
}

export interface Reduced {
  readonly snapshot: RunSnapshot
  /** Whether it has to be read again. */
  readonly isStale: boolean
}

type EventOf<T> = Extract<RunEvent, { type: T }>

export function reduceRun(snapshot: RunSnapshot, event: RunEvent): Reduced {
  const { run, steps } = snapshot
  // Of the version that was read, or older: the state is known. Only running steps and progress have no version of their
  // own, and their rules below bear repetition.
  const isKnown = event.version <= run.version
  if (event.version < run.version) return same(snapshot)
  switch (event.type) {
    case 'run:start':
      return isKnown ? same(snapshot) : changed(runningRun(run, event), steps)
    case 'run:resume':
      if (isKnown) return same(snapshot)
      return changed(runningRun(run, event), withoutRunning(steps), leavesStored(steps))
    case 'run:wait':
      return isKnown ? same(snapshot) : waited(snapshot, event)
    case 'run:cancel':
      if (isKnown) return same(snapshot)
      return changed(cancelledRun(run, event), idleSteps(steps), leavesStored(steps))
    case 'run:complete':
    case 'run:fail':
    case 'run:retry':
      return { snapshot, isStale: !isKnown || event.status !== run.status }
    case 'run:progress':
      // Not its version: the end of a run with which it was reported has the same one, and is not known by this.
      return changed({ ...run, progress: event.progress, updatedAt: event.timestamp }, steps)
    default:
      return reduceStep(snapshot, event, isKnown)
  }
}

function reduceStep(snapshot: RunSnapshot, event: RunEvent, isKnown: boolean): Reduced {
  const { run, steps } = snapshot
  switch (event.type) {
    case 'step:start':
      return changed(run, startedStep(snapshot, event))
    case 'step:wait': {
      const next = waitingStep(steps, event, isKnown)
      if (isKnown && next === steps) return same(snapshot)
      return changed(isKnown ? run : { ...written(run, event), recoveries: 0 }, next)
    }
    case 'step:wake': {
      const next = wokenStep(steps, event)
      if (isKnown) return next === steps ? same(snapshot) : changed(run, next)
      // Its call and its time are not in the event.
      const isStale = !steps.some(({ name }) => name === event.stepName)
      return changed(written(run, event), next, isStale)
    }
    case 'step:complete':
      if (isKnown && hasOutcome(steps, event.stepName)) return same(snapshot)
      return changed(isKnown ? run : counted(run, event), completedStep(steps, event))
    case 'step:fail':
      return { snapshot, isStale: !isKnown || !hasOutcome(steps, event.stepName) }
    // `step:retry` comes before the `step:wait` of the same version, `step:cancel` beside the `run:cancel` of the same
    // one; these tell all.
    default:
      return same(snapshot)
  }
}

/**
 * The same for a run without its steps, as lists show it: of a step it shows only the count. What says nothing new keeps
 * the reference.
 */
export function reduceRow(run: UntypedRun, event: RunEvent): { run: UntypedRun; isStale: boolean } {
  const isNews = event.version > run.version
  switch (event.type) {
    case 'step:complete':
    case 'step:fail':
      return { run: isNews ? counted(run, event) : run, isStale: false }
    case 'step:wait':
      return { run: isNews ? { ...written(run, event), recoveries: 0 } : run, isStale: false }
    case 'step:wake':
      return { run: isNews ? written(run, event) : run, isStale: false }
    case 'run:wait': {
      const { snapshot, isStale } = reduceRun({ run, steps: [] }, event)
      if (snapshot.run === run || !isRetryOfRun(event)) return { run: snapshot.run, isStale }
      // Failed steps are no outcomes any more, and which they are is not known here.
      const { stepCount } = run
      return { run: { ...snapshot.run, stepCount }, isStale: isStale || stepCount > 0 }
    }
    case 'run:progress':
      if (isSameProgress(run.progress, event.progress)) return { run, isStale: false }
  }
  const { snapshot, isStale } = reduceRun({ run, steps: [] }, event)
  return { run: snapshot.run, isStale }
}

export function isSameProgress(a: Progress | null, b: Progress | null): boolean {
  return a?.current === b?.current && a?.total === b?.total && a?.message === b?.message
}

function same(snapshot: RunSnapshot): Reduced {
  return { snapshot, isStale: false }
}

function changed(run: UntypedRun, steps: readonly Step[], isStale = false): Reduced {
  return { snapshot: { run, steps }, isStale }
}

/** The run itself waits for its next attempt: what failed has to run again, as after `retry`. */
function isRetryOfRun({ waitingFor }: EventOf<'run:wait'>): boolean {
  return waitingFor.kind === 'retry' && waitingFor.stepName === undefined
}

function waited({ run, steps }: RunSnapshot, event: EventOf<'run:wait'>): Reduced {
  if (!isRetryOfRun(event)) return changed(waitingRun(run, event), withoutRunning(steps))
  const left = retriedSteps(steps)
  const stepCount = left.filter(({ completedIndex }) => completedIndex !== null).length
  const next = { ...waitingRun(run, event), stepCount, recoveries: 0 }
  return changed(next, left, leavesStored(steps))
}
