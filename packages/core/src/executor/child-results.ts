/** What the children of a step have become, as the parent's code gets it. */
import { toFailure } from '../client/convert.js'
import { replayed } from '../codec/codec.js'
import { StepwellError } from '../errors.js'
import type { ChildResult, Step as StoredStep } from '../generated/protocol.js'
import type { Settled } from '../step.js'
import type { Execution } from './execution.js'

type Invoked = Pick<StoredStep, 'name' | 'children'>

export interface ChildResults {
  /** Of a step that completed because all its children did, in the order of the call. */
  readonly outputs: (stored: Invoked) => unknown[]
  readonly settled: (stored: Invoked) => Settled<unknown>[]
}

export function createChildResults({ codec, blobs }: Execution): ChildResults {
  const outputOf = ({ output = '' }: ChildResult): unknown =>
    replayed<unknown>(codec, output, blobs.all)
  return {
    outputs: ({ name, children }) =>
      children.map((child, index) => {
        if (child.status === 'completed') return outputOf(child)
        throw new StepwellError(
          'history_mismatch',
          `Step "${name}" was recorded with the mode "settled", and its children[${index}] is ${child.status}. Give the ` +
            'new step another name.',
        )
      }),
    settled: ({ children }) =>
      children.map((child) => {
        const { runId, status, error } = child
        if (status === 'completed') return { status, runId, output: outputOf(child) }
        if (status === 'failed') return { status, runId, error: toFailure(error) }
        return { status: 'cancelled', runId }
      }),
  }
}
