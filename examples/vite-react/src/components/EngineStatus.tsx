import { type StepwellStatus, useStepwellStatus } from '@stepwell/react'

/** Where the engine runs, where the data lies, and in words what is wrong if something is. */
export function EngineStatus() {
  const status = useStepwellStatus()
  const notice = noticeOf(status)
  return (
    <div className="engine" role="status">
      <p className={`chip ${notice === null ? 'is-good' : 'is-odd'}`} data-testid="engine-status">
        <span className="visually-hidden">Engine: </span>
        {partsOf(status).join(' · ')}
      </p>
      {notice !== null && <p className="notice">{notice}</p>}
    </div>
  )
}

function partsOf({ state, role, storage, durability }: StepwellStatus): string[] {
  if (state === 'ready') return [storage, durability, role]
  return role === 'follower' ? [role] : [state]
}

function noticeOf({ state, role, error, paused }: StepwellStatus): string | null {
  if (role === 'follower') {
    return 'Another tab runs the engine. Close that one: this tab takes over, and its run goes on here.'
  }
  if (error !== null) return error.message
  if (paused !== null) return paused.message
  if (state === 'connecting') return 'Opening the database…'
  if (state === 'closed') return 'The client was closed. Reload the page to go on.'
  return null
}
