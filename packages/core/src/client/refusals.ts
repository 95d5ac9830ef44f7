/** The sentences of the connection's errors. */
import { isNewerBuild } from '../builds.js'
import { errorText, StepwellError } from '../errors.js'
import { BUILD_ID } from '../wire.js'

export { closed } from './closed.js'

export function noLeader(database: string): StepwellError {
  return new StepwellError(
    'not_leader',
    `No tab answers for the database "${database}": one that cannot work, or stands still, holds the engine's lock. ` +
      'Close or reload the other tabs of this site; this one goes on by itself when one answers.',
  )
}

/** This tab follows one of another build. */
export function otherBuild(buildId: string): StepwellError {
  const isOlder = isNewerBuild(buildId, BUILD_ID)
  return new StepwellError(
    'protocol_mismatch',
    isOlder
      ? `Another tab runs Stepwell ${buildId}, and this one still ${BUILD_ID}. Reload this tab.`
      : `Another tab, which leads, still runs Stepwell ${buildId}, and this one ${BUILD_ID}. Reload or close the other ` +
          'tab; this one then takes over by itself.',
  )
}

/** This tab leads, and one of a newer build waits. */
export function outdated(buildId: string): StepwellError {
  return new StepwellError(
    'protocol_mismatch',
    `Another tab runs Stepwell ${buildId}, and this one still ${BUILD_ID}. Reload this tab: it goes on working, and the ` +
      'other one has to wait for it.',
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
