/** The states that hooks show, made of what is known. */
import type { StepwellError } from '../errors.js'
import type { StepwellStatus } from '../types.js'
import type { RunSnapshot } from './reduce.js'
import type { ChildView, RunState } from './types.js'

const NO_CHILDREN: readonly ChildView[] = Object.freeze([])
const NOTHING = {
  run: null,
  progress: null,
  steps: Object.freeze([]),
  waitingFor: null,
  children: NO_CHILDREN,
} as const
const INERT = { isLoading: false, isActive: false, isTerminal: false } as const
const ACTIVE = { isLoading: false, isActive: true, isTerminal: false } as const
const TERMINAL = { isLoading: false, isActive: false, isTerminal: true } as const

export const LOADING: RunState = Object.freeze({
  ...NOTHING,
  status: 'loading',
  isLoading: true,
  isActive: false,
  isTerminal: false,
})
export const IDLE: RunState = Object.freeze({ ...NOTHING, ...INERT, status: 'idle' })
export const MISSING: RunState = Object.freeze({ ...NOTHING, ...INERT, status: 'missing' })
/** Between `trigger` and its answer. */
export const TRIGGERED: RunState = Object.freeze({ ...NOTHING, ...ACTIVE, status: 'pending' })

export function unavailableState(error: StepwellError): RunState {
  return { ...NOTHING, ...INERT, status: 'unavailable', error }
}

/** Why nothing can be shown for now; `null` where the engine is there, or is on its way. */
export function obstacleOf({ state, error }: StepwellStatus): StepwellError | null {
  return state === 'unavailable' || state === 'closed' ? error : null
}

export function runState(
  { run, steps }: RunSnapshot,
  children: readonly ChildView[] = NO_CHILDREN,
): RunState {
  const shown = { progress: run.progress, steps, children, waitingFor: null }
  switch (run.status) {
    case 'pending':
      return { ...shown, ...ACTIVE, status: 'pending', run }
    case 'running':
      return { ...shown, ...ACTIVE, status: 'running', run }
    case 'waiting':
      return { ...shown, ...ACTIVE, status: 'waiting', run, waitingFor: run.waitingFor }
    case 'completed':
      return { ...shown, ...TERMINAL, status: 'completed', run, output: run.output }
    case 'failed':
      return { ...shown, ...TERMINAL, status: 'failed', run, error: run.error }
    case 'cancelled':
      return { ...shown, ...TERMINAL, status: 'cancelled', run }
  }
}
