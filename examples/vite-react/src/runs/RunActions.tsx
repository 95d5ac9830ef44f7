import { type RunView, useStepwell } from '@stepwell/react'
import { runHref } from '../route.ts'
import { useAction } from '../useAction.ts'
import { OutcomeText } from './OutcomeText.tsx'

/** What can be done to a run depends on where it stands; the hook brings most of it along. */
export function RunActions({ view }: { view: RunView }) {
  const stepwell = useStepwell()
  const [outcome, act] = useAction()
  const { run, status, isActive, isTerminal } = view
  // It is retried and deleted with its parent.
  const isChild = run !== null && run.parentId !== null
  const cancel = () =>
    act(async () => {
      await view.cancel()
      return 'Cancelled. What is committed is kept.'
    })
  const retry = () =>
    act(async () => {
      await view.retry()
      return 'Retried: it went on after its last committed step.'
    })
  const retrigger = () =>
    act(async () => {
      const { id } = await view.retrigger()
      location.hash = runHref(id)
      return 'Started again, as another run.'
    })
  const remove = () =>
    act(async () => {
      if (run !== null) await stepwell.deleteRun(run.id)
      // Nobody reads this: the page of a deleted run says that it is missing.
      return 'Deleted.'
    })
  return (
    <>
      <div className="actions">
        <button type="button" disabled={!isActive} onClick={cancel}>
          Cancel
        </button>
        <button
          type="button"
          disabled={isChild || (status !== 'failed' && status !== 'cancelled')}
          onClick={retry}
        >
          Retry
        </button>
        <button type="button" disabled={!isTerminal} onClick={retrigger}>
          Retrigger
        </button>
        <button type="button" className="danger" disabled={!isTerminal || isChild} onClick={remove}>
          Delete
        </button>
      </div>
      <OutcomeText outcome={outcome} />
    </>
  )
}
