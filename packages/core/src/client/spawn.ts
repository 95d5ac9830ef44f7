/** Workers of the user's making. */
import { errorText, StepwellError } from '../errors.js'

/** Throws `invalid_input`, naming the option, where `spawn` makes no worker. @param example how it is made. */
export function spawnWorker(
  option: 'worker' | 'engineWorker',
  spawn: () => Worker,
  example: string,
): Worker {
  let worker: unknown
  try {
    worker = spawn()
  } catch (reason) {
    const message = `The option ${option} of createStepwell threw: ${errorText(reason)}`
    throw new StepwellError('invalid_input', message, { cause: reason })
  }
  if (isWorker(worker)) return worker
  throw new StepwellError(
    'invalid_input',
    `The option ${option} of createStepwell must return a Worker: ${example}`,
  )
}

function isWorker(value: unknown): value is Worker {
  return (
    typeof value === 'object' && value !== null && 'postMessage' in value && 'terminate' in value
  )
}
