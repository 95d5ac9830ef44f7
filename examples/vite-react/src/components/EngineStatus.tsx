import { type StepwellStatus, useStepwellStatus } from '@stepwell/react'

/** Where the engine runs, where the data lies, and in words what is wrong if something is. */
export function EngineStatus() {
  const status = useStepwellStatus()
  const notice = noticeOf(status)
  const isGood = status.state === 'ready' && notice === null
  return (
    <div className="engine" role="status">
      <p className={`chip ${isGood ? 'is-good' : 'is-odd'}`} data-testid="engine-status">
        <span className="visually-hidden">Engine: </span>
        {partsOf(status).join(' · ')}
      </p>
      {notice !== null && <p className="notice">{notice}</p>}
    </div>
  )
}

function partsOf({ state, role, storage, durability }: StepwellStatus): string[] {
  return state === 'ready' ? [storage, durability, role] : [state]
}

/** Nothing while it connects: that is a moment, and the page should not jump. */
function noticeOf({ state, error, paused, loss }: StepwellStatus): string | null {
  if (state === 'closed') return 'The client was closed. Reload the page to go on.'
  return error?.message ?? paused?.message ?? loss?.message ?? null
}
