import type { RunStatus } from '@stepwell/core'

/** While a run is one of these it can be cancelled, and neither deleted nor triggered again. */
export const isActive = (status: RunStatus): boolean =>
  status === 'pending' || status === 'running' || status === 'waiting'
