import { useStepwell, useStepwellStatus } from '@stepwell/react'
import { useState } from 'react'
import { useAction } from '../useAction.ts'
import { plural } from '../words.ts'
import { ActionButton } from './ActionButton.tsx'
import { OutcomeText } from './OutcomeText.tsx'

const AGES = {
  '7d': 'a week ago',
  '1d': 'a day ago',
  '1h': 'an hour ago',
  '1m': 'a minute ago',
  '1ms': 'just now, too',
} as const

type Age = keyof typeof AGES
const isAge = (value: string): value is Age => value in AGES

/** Deletes what ended long ago, in small batches, so that nothing else waits for it. */
export function PurgeRuns() {
  const stepwell = useStepwell()
  const { state } = useStepwellStatus()
  const [olderThan, setOlderThan] = useState<Age>('1d')
  const [outcome, act] = useAction()
  const purge = () =>
    act(async () => {
      const deleted = await stepwell.purgeRuns({ olderThan })
      return deleted === 0 ? 'There was none.' : `${plural(deleted, 'run')} deleted.`
    })
  return (
    <section className="card" aria-labelledby="purge-title">
      <h2 id="purge-title">Clean up</h2>
      <p className="aside">
        Runs go by themselves 30 days after their end, while nothing else is to be done. Or sooner:
      </p>
      <div className="actions">
        <label className="field">
          <span>Ended</span>
          <select
            value={olderThan}
            onChange={({ target }) => isAge(target.value) && setOlderThan(target.value)}
          >
            {Object.entries(AGES).map(([age, words]) => (
              <option key={age} value={age}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <ActionButton
          className="danger"
          disabled={state !== 'ready'}
          isBusy={outcome.kind === 'busy'}
          onClick={purge}
        >
          Delete
        </ActionButton>
      </div>
      <OutcomeText outcome={outcome} />
    </section>
  )
}
