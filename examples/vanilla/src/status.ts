/** What this tab is, and where the data lie. */
import type { StepwellStatus } from '@stepwell/core'
import { bytes, find } from './words.ts'

const ROLES = {
  leader: 'Leader: the jobs run in this tab',
  follower: 'Follower: the jobs run in another tab',
  none: 'Connecting…',
}

const STORAGE = {
  persistent: 'Kept until you delete it',
  'best-effort': 'Kept, unless the disk gets full',
  memory: 'Kept in memory only',
  unavailable: 'No storage',
}

export function showStatus(status: StepwellStatus): void {
  const { state, role, storage, quota } = status
  const chip = find(document, '#role', HTMLElement)
  chip.textContent = state === 'connecting' ? ROLES.none : ROLES[role]
  chip.dataset['state'] = state
  const used = quota === null ? '' : ` · ${bytes(quota.usage)} of ${bytes(quota.quota)} used`
  const line = state === 'ready' ? `${STORAGE[storage]}${used}` : ''
  const trouble = status.error ?? status.paused ?? status.loss
  find(document, '#storage', HTMLElement).textContent = trouble?.message ?? line
}
