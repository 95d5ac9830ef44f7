import { useStepwell, useStepwellStatus } from '@stepwell/react'
import { hourReport } from '../jobs.ts'
import { daypartOf } from '../labels.ts'
import { useAction } from '../useAction.ts'
import { ActionButton } from './ActionButton.tsx'
import { OutcomeText } from './OutcomeText.tsx'

const HOURS = Array.from({ length: 24 }, (_, hour) => hour)

/** Two dozen runs by one command: all of them are in the database, or none. */
export function BatchStart() {
  const stepwell = useStepwell()
  const { state } = useStepwellStatus()
  const [outcome, act] = useAction()
  const start = () =>
    act(async () => {
      const runs = await stepwell.batchTrigger(
        hourReport,
        HOURS.map((hour) => ({
          input: { hour },
          labels: { source: 'batch' as const, daypart: daypartOf(hour) },
        })),
      )
      return `${runs.length} runs are in the database.`
    })
  return (
    <section className="card" aria-labelledby="batch-title">
      <h2 id="batch-title">Start a batch</h2>
      <p className="aside">
        A report on the flights of each hour, two at a time. At 03:00 and 04:00 hardly anybody
        flies: those runs will fail.
      </p>
      <div className="actions">
        <ActionButton
          className="primary"
          disabled={state !== 'ready'}
          isBusy={outcome.kind === 'busy'}
          onClick={start}
        >
          Start 24 runs
        </ActionButton>
      </div>
      <OutcomeText outcome={outcome} />
    </section>
  )
}
