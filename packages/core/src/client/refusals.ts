/** The sentences of the connection's errors. */
import { errorText, StepwellError } from '../errors.js'

export function notLeader(database: string): StepwellError {
  return new StepwellError(
    'not_leader',
    `Another tab runs the engine of the database "${database}". Commands from this tab are not available yet: use the ` +
      'other tab, or close it and this one takes over.',
  )
}

export function outcomeUnknown(cause: StepwellError): StepwellError {
  return new StepwellError(
    'outcome_unknown',
    `The command was sent, and no answer came before this: ${cause.message} Read the run, or list the runs, to see ` +
      'whether it was carried out.',
    { cause },
  )
}

export function closed(): StepwellError {
  return new StepwellError('closed', 'This client was closed. Make a new one with createStepwell.')
}

export function engineLost(message: string): StepwellError {
  return new StepwellError(
    'internal',
    `The engine crashed and is started again; open commands are sent again, and runs go on. ${message}`,
  )
}

export function seatLost(): StepwellError {
  return new StepwellError(
    'not_leader',
    'The browser took this tab the lock of the engine; the tab queues for it again.',
  )
}

export function noSeat(reason: unknown): StepwellError {
  return new StepwellError(
    'storage_unavailable',
    `This page may not use Web Locks, without which two tabs would spoil each other's work: ${errorText(reason)}. Open ` +
      'it as a page of its own, not in a sandboxed frame, and outside private browsing.',
    { cause: reason },
  )
}
