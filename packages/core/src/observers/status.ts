/** `observeStatus`: the core of `useStepwellStatus`. */
import type { Stepwell } from '../client/types.js'
import type { StepwellStatus } from '../types.js'
import type { Observer } from './types.js'

/** Observes the connection; the first `subscribe` starts it. */
export function observeStatus(client: Pick<Stepwell, '~core'>): Observer<StepwellStatus> {
  const core = client['~core']
  return {
    get: () => core.status.get(),
    subscribe(listener) {
      core.connection.connect()
      return core.status.subscribe(listener)
    },
    getServer: () => core.serverStatus,
  }
}
