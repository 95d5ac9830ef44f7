/** The state that hooks show of a run that was read. */
import type { RunSnapshot } from './reduce.js'
import type { ChildView, RunState } from './types.js'
import { ACTIVE, NO_CHILDREN, TERMINAL } from './view.js'

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
