import type { StepwellStatus } from '../types.js'
import type { Durability } from '../wire.js'

/** Until the first answer. */
export function initialStatus(durability: Durability): StepwellStatus {
  return Object.freeze({
    state: 'connecting',
    role: 'none',
    storage: 'unavailable',
    quota: null,
    loss: null,
    durability,
    epoch: null,
    paused: null,
    unservedJobs: [],
    error: null,
  })
}
