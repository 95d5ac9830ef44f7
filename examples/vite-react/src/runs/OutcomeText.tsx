import type { Outcome } from '../useAction.ts'

/** It stays in the document while there is nothing to say: only then is it read out when there is. */
export function OutcomeText({ outcome }: { outcome: Outcome }) {
  const { kind } = outcome
  return (
    <>
      <p className="outcome" role="status">
        {kind === 'busy' && 'A moment…'}
        {kind === 'done' && outcome.text}
      </p>
      {kind === 'failed' && (
        <p className="problem" role="alert">
          {outcome.text}
        </p>
      )}
    </>
  )
}
