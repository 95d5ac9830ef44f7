import { StepwellError } from '../errors.js'

export function closed(): StepwellError {
  return new StepwellError('closed', 'This client was closed. Make a new one with createStepwell.')
}
