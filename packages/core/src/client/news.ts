/** Whether an event that came while a run was read is news to whoever has read it. Pure. */
import type { RunEvent } from '../generated/protocol.js'
import type { UntypedSnapshot } from './subscribe.js'

export function isNews({ run, steps }: UntypedSnapshot, event: RunEvent): boolean {
  if (event.version < run.version) return false
  const isKnown = event.version === run.version
  switch (event.type) {
    case 'step:complete':
    case 'step:fail': {
      // The steps may have been read a commit later than the run.
      const { stepName, completedIndex } = event
      const isShown = steps.some(
        (step) => step.name === stepName && step.completedIndex === completedIndex,
      )
      return !isKnown && !isShown
    }
    // Each of these as well.
    case 'step:wait': {
      const { stepName, startedAt } = event
      const isShown = steps.some(
        (step) =>
          step.name === stepName && step.status === 'waiting' && step.startedAt === startedAt,
      )
      return !isKnown && !isShown
    }
    case 'step:wake': {
      const { stepName } = event
      const isShown = steps.some((step) => step.name === stepName && step.status === 'pending')
      return !isKnown && !isShown
    }
    // These leave the run's version as it is.
    case 'step:start': {
      const { stepName, attempt } = event
      const isShown = steps.some((step) => step.name === stepName && step.attempt >= attempt)
      return !isKnown || !isShown
    }
    case 'run:progress': {
      const { current, total, message } = event.progress
      const shown = run.progress
      return shown?.current !== current || shown.total !== total || shown.message !== message
    }
    case 'log:write':
    case 'run:coalesced':
    case 'run:delete':
      return true
    default:
      return !isKnown
  }
}
