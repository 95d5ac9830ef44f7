import { useStepwellStatus } from '@stepwell/react'

/** Where the engine runs, where the data lies, and in words what is wrong if something is. */
export function EngineStatus() {
  const status = useStepwellStatus()
  const parts =
    status.state === 'ready' ? [status.role, status.storage, status.durability] : [status.state]
  const notice = noticeOf(status)
  return (
    <div className="engine" role="status">
      <p className={`chip ${notice === null ? 'is-good' : 'is-odd'}`} data-testid="engine-status">
        <span className="visually-hidden">Engine: </span>
        {parts.join(' · ')}
      </p>
      {notice !== null && <p className="notice">{notice}</p>}
    </div>
  )
}

function noticeOf(status: ReturnType<typeof useStepwellStatus>): string | null {
  if (status.error !== null) return status.error.message
  if (status.paused !== null) return status.paused.message
  if (status.state === 'connecting') return 'Opening the database…'
  if (status.state === 'closed') return 'The client was closed. Reload the page to go on.'
  if (status.role === 'follower') {
    return 'Another tab runs the engine. Close that one, and this tab takes over and the import goes on.'
  }
  return null
}
