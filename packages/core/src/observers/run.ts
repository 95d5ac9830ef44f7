/** `observeRun`: the core of `useRun`. */
import type { Stepwell } from '../client/types.js'
import { StepwellError } from '../errors.js'
import type { AnyJob } from '../infer.js'
import { handled } from './handled.js'
import { runActions, runEntry } from './run-entry.js'
import type { Observer, RunView } from './types.js'
import { IDLE, LOADING } from './view.js'

/**
 * Observes one run; all observers of a run share what is known of it. `null` and `undefined`: there is no run yet, and
 * the status is `'idle'`. Nothing is read before the first `subscribe`.
 */
export function observeRun<J extends AnyJob = AnyJob>(
  client: Pick<Stepwell, '~core'>,
  runId: string | null | undefined,
): Observer<RunView<J>>
export function observeRun(
  client: Pick<Stepwell, '~core'>,
  runId: string | null | undefined,
): unknown {
  if (runId === null || runId === undefined) return NO_RUN
  const core = client['~core']
  const server: RunView = Object.freeze({ ...LOADING, ...runActions(core, runId) })
  const observer: Observer<RunView> = {
    get: () => runEntry(core, runId).parts.get(),
    subscribe: (listener) => runEntry(core, runId).subscribe(listener),
    getServer: () => server,
  }
  return observer
}

export function noRun(): Promise<never> {
  const error = new StepwellError('not_found', 'There is no run to act on: trigger one first.')
  return handled(Promise.reject(error))
}

const NO_RUN_VIEW: RunView = Object.freeze({ ...IDLE, cancel: noRun, retry: noRun })
const NO_RUN: Observer<RunView> = {
  get: () => NO_RUN_VIEW,
  subscribe: () => () => undefined,
  getServer: () => NO_RUN_VIEW,
}
