import { useStepwellStatus } from '@stepwell/react'

/** Which tab runs the jobs, where the data lie, and in words what is wrong if something is. */
export function EngineStatus() {
  const { state, role, storage, durability, error, paused } = useStepwellStatus()
  const trouble = error ?? paused
  const parts = state === 'ready' ? [storage, durability, role] : [state]
  return (
    <div className="engine" role="status" aria-label="Engine">
      <p className={`chip ${state === 'ready' && trouble === null ? 'is-good' : ''}`}>
        {parts.join(' · ')}
      </p>
      {trouble !== null && <p className="problem">{trouble.message}</p>}
    </div>
  )
}
