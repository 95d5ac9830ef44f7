/** The states that hooks show, made of what is known. */
import type { StepwellError } from '../errors.js'
import type { StepwellStatus } from '../types.js'
import type { ChildView, RunState } from './types.js'

export const NO_CHILDREN: readonly ChildView[] = Object.freeze([])
const NOTHING = {
  run: null,
  progress: null,
  steps: Object.freeze([]),
  waitingFor: null,
  children: NO_CHILDREN,
} as const
const INERT = { isLoading: false, isActive: false, isTerminal: false } as const
export const ACTIVE = { isLoading: false, isActive: true, isTerminal: false } as const
export const TERMINAL = { isLoading: false, isActive: false, isTerminal: true } as const

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
