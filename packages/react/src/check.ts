/** Checks of what hooks and the provider are given: `invalid_input`, where it would be a riddle further on. */
import { StepwellError } from '@stepwell/core'

/** Options whose one option is `select`; a misspelt one must not be ignored. */
export function checkSelectOptions(options: object | undefined, hook: string): void {
  if (options === undefined) return
  checkOptionsObject(options, hook)
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined) continue
    if (option !== 'select') {
      throw invalid(`${hook} does not know the option "${option}": its options are select.`)
    }
    if (typeof value !== 'function') {
      throw invalid(`The option select of ${hook} must be a function, and is ${typeof value}.`)
    }
  }
}

/** Before any option is read; which options there are is for the observer to say. */
export function checkOptionsObject(options: unknown, hook: string): void {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return
  throw invalid(`${hook} takes an object of options.`)
}

/** Without an id there would be nothing to wait for, and Suspense would wait for ever. */
export function checkRunId(runId: unknown, hook: string): void {
  if (typeof runId === 'string' && runId !== '') return
  throw invalid(`${hook} needs a run's id. Use useRun, which is idle without one.`)
}

export function checkClient(client: unknown): void {
  if (typeof client === 'object' && client !== null && '~core' in client) return
  throw invalid(
    'StepwellProvider needs a client, as createStepwell makes it: <StepwellProvider client={stepwell}>.',
  )
}

function invalid(message: string): StepwellError {
  return new StepwellError('invalid_input', message)
}
