/** From a trigger to the run's output. */
import { StepwellError } from '../errors.js'
import type { Disposition } from '../generated/protocol.js'
import { checkOptions } from '../options.js'
import type { UntypedRun } from './convert.js'
import type { ClientCore } from './core.js'
import { runError } from './run-error.js'
import type { WaitOptions } from './types.js'
import { checkWaitOptions, WAIT_OPTIONS } from './wait.js'

export interface UntypedOutput {
  readonly id: string
  readonly disposition: Disposition
  readonly output: unknown
}

/** The options of `triggerAndWait`, checked before anything is triggered. */
export function waitOptionsOf(options: unknown): WaitOptions {
  const wait = checkOptions(options, 'triggerAndWait', WAIT_OPTIONS)
  checkWaitOptions(wait, 'triggerAndWait')
  return wait
}

export async function triggerAndWait(
  core: Pick<ClientCore, 'trigger' | 'waitForRun'>,
  job: unknown,
  input: unknown,
  options: unknown,
): Promise<UntypedOutput> {
  const wait = waitOptionsOf(options)
  const { id, disposition } = await core.trigger(job, input, undefined)
  return { id, disposition, output: outputOf(await core.waitForRun(id, wait)) }
}

/** The output of a run that has ended; throws what it ended with otherwise. */
export function outputOf(run: UntypedRun): unknown {
  if (run.status === 'completed') return run.output
  if (run.status === 'failed') throw runError(run.id, run.error)
  throw new StepwellError('cancelled', `The run ${run.id} of job ${run.jobName} was cancelled.`)
}
