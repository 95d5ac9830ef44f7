/** `observeRun`: the core of `useRun`. */
import type { ClientCore } from '../client/core.js'
import type { Stepwell } from '../client/types.js'
import { StepwellError } from '../errors.js'
import type { AnyJob } from '../infer.js'
import { handled } from './handled.js'
import { runActions, runEntry } from './run-entry.js'
import type { RunObserver, RunView } from './types.js'
import { IDLE, LOADING } from './view.js'

/** The promises of `loaded`, by entry. */
const loads = new WeakMap<object, Promise<void>>()

/**
 * Observes one run; all observers of a run share what is known of it. `null` and `undefined`: there is no run yet, and
 * the status is `'idle'`. Nothing is read before the first `subscribe`.
 */
export function observeRun<J extends AnyJob = AnyJob>(
  client: Pick<Stepwell, '~core'>,
  runId: string | null | undefined,
): RunObserver<J>
export function observeRun(
  client: Pick<Stepwell, '~core'>,
  runId: string | null | undefined,
): unknown {
  if (runId === null || runId === undefined) return NO_RUN
  const core = client['~core']
  const server: RunView = Object.freeze({ ...LOADING, ...runActions(core, runId) })
  const observer: RunObserver = {
    get: () => runEntry(core, runId).get(),
    subscribe: (listener) => runEntry(core, runId).subscribe(listener),
    getServer: () => server,
    loaded: () => loadedRun(core, runId),
  }
  return observer
}

/** A component that suspends in its first render never subscribes: this does, until there is an answer. */
function loadedRun(core: ClientCore, runId: string): Promise<void> {
  const entry = runEntry(core, runId)
  const existing = loads.get(entry)
  if (existing !== undefined) return existing
  const load = new Promise<void>((resolve) => {
    let off: () => void = () => undefined
    const check = () => {
      if (entry.get().status === 'loading') return
      loads.delete(entry)
      off()
      resolve()
    }
    off = entry.subscribe(check)
    check()
  })
  if (entry.get().status === 'loading') loads.set(entry, load)
  return load
}

export function noRun(): Promise<never> {
  const error = new StepwellError('not_found', 'There is no run to act on: trigger one first.')
  return handled(Promise.reject(error))
}

const NO_RUN_VIEW: RunView = Object.freeze({
  ...IDLE,
  cancel: noRun,
  retry: noRun,
  retrigger: noRun,
})
const NO_RUN: RunObserver = {
  get: () => NO_RUN_VIEW,
  subscribe: () => () => undefined,
  getServer: () => NO_RUN_VIEW,
  loaded: () => Promise.resolve(),
}
