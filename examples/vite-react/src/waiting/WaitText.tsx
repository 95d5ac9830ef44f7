import type { WaitingFor } from '@stepwell/react'
import { plural } from '../words.ts'
import { Countdown } from './Countdown.tsx'

/** What a run waits for, in a sentence. */
export function WaitText({ waitingFor }: { waitingFor: WaitingFor }) {
  switch (waitingFor.kind) {
    case 'retry':
      return (
        <>
          Waits for attempt {waitingFor.attempt} of {waitingFor.stepName ?? 'the run'}, in{' '}
          <Countdown until={waitingFor.until} />: {waitingFor.error.message}
        </>
      )
    case 'sleep':
      return (
        <>
          Sleeps in {waitingFor.stepName}: <Countdown until={waitingFor.until} /> to go.
        </>
      )
    case 'signal':
      return (
        <>
          Waits in {waitingFor.stepName} for a signal
          {waitingFor.until !== null && (
            <>
              , for another <Countdown until={waitingFor.until} />
            </>
          )}
          .
        </>
      )
    case 'children':
      return (
        <>
          Waits in {waitingFor.stepName} for {plural(waitingFor.count, 'child run')}.
        </>
      )
    case 'network':
      return <>Waits for the network.</>
  }
}
