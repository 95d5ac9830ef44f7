import type { WaitingFor } from '@stepwell/react'
import { plural } from '../words.ts'
import { Countdown } from './Countdown.tsx'

/** What a run waits for, in a sentence. */
export function WaitText({ waitingFor }: { waitingFor: WaitingFor }) {
  switch (waitingFor.kind) {
    case 'retry':
      return (
        <>
          Attempt {waitingFor.attempt} of{' '}
          {waitingFor.stepName === null ? 'the run' : `step ${waitingFor.stepName}`} is in{' '}
          <Countdown until={waitingFor.until} />. The last one failed: {waitingFor.error.message}
        </>
      )
    case 'sleep':
      return (
        <>
          Sleeps, in step {waitingFor.stepName}: <Countdown until={waitingFor.until} /> to go.
        </>
      )
    case 'signal':
      return (
        <>
          Waits for a signal, in step {waitingFor.stepName}
          {waitingFor.until !== null && (
            <>
              : for another <Countdown until={waitingFor.until} />
            </>
          )}
          .
        </>
      )
    case 'children':
      return (
        <>
          Waits for {plural(waitingFor.count, 'child run')}, in step {waitingFor.stepName}.
        </>
      )
    case 'network':
      return <>Waits for the network.</>
  }
}
