/** From a trigger to the run's output. */
import { StepwellError } from '../errors.js'
import type { Disposition } from '../generated/protocol.js'
import { checkOptions } from '../options.js'
import type { UntypedRun } from './convert.js'
import type { Commands, UntypedTriggered } from './core.js'
import { runError } from './run-error.js'
import { checkTriggerOptions, TRIGGER_OPTIONS } from './trigger-options.js'
import type { WaitOptions } from './types.js'
import { checkWaitOptions, WAIT_OPTIONS } from './wait.js'

export interface UntypedOutput {
  readonly id: string
  readonly disposition: Disposition
  readonly output: unknown
}

/** A run that was triggered to be waited for. */
export interface UntypedBegun {
  readonly triggered: UntypedTriggered
  /** Waits for the run's end. */
  output(): Promise<UntypedOutput>
}

interface SplitOptions {
  /** For `trigger`. */
  readonly trigger: Readonly<Record<string, unknown>>
  readonly wait: WaitOptions
}

/**
 * The options of `triggerAndWait`, checked before anything is triggered, by what they are for. Throws the reason of a
 * signal that was aborted before: who has given up already wants no run.
 */
function splitOptions(options: unknown): SplitOptions {
  const what = 'triggerAndWait'
  checkTriggerOptions(options, what, WAIT_OPTIONS)
  const given = Object.entries(checkOptions(options, what, [...TRIGGER_OPTIONS, ...WAIT_OPTIONS]))
  const trigger = Object.fromEntries(given.filter(([key]) => TRIGGER_OPTIONS.includes(key)))
  const wait: WaitOptions = Object.fromEntries(given.filter(([key]) => WAIT_OPTIONS.includes(key)))
  checkWaitOptions(wait, what)
  wait.signal?.throwIfAborted()
  return { trigger, wait }
}

type Waiting = Pick<Commands, 'trigger' | 'waitForRun'>

export async function beginAndWait(
  commands: Waiting,
  job: unknown,
  input: unknown,
  options: unknown,
): Promise<UntypedBegun> {
  const { trigger, wait } = splitOptions(options)
  const triggered = await commands.trigger(job, input, trigger)
  const { id, disposition } = triggered
  return {
    triggered,
    output: async () => ({
      id,
      disposition,
      output: outputOf(await commands.waitForRun(id, wait)),
    }),
  }
}

export async function triggerAndWait(
  commands: Waiting,
  job: unknown,
  input: unknown,
  options: unknown,
): Promise<UntypedOutput> {
  const { output } = await beginAndWait(commands, job, input, options)
  return output()
}

/** The output of a run that has ended; throws what it ended with otherwise. */
function outputOf(run: UntypedRun): unknown {
  if (run.status === 'completed') return run.output
  if (run.status === 'failed') throw runError(run.id, run.error)
  throw new StepwellError('cancelled', `The run ${run.id} of job ${run.jobName} was cancelled.`)
}
