/** `step.run`: a stored outcome is replayed, any other body runs. */
import { replayed } from '../codec/codec.js'
import { durationMs } from '../duration.js'
import { checkOneOf, checkOptions, invalid } from '../options.js'
import { checkRetry } from '../retry.js'
import type { Step, StepContext } from '../step.js'
import { beginBody, type CallBody, type StepPolicy } from './body.js'
import { attemptCall, type Call, claimName, openCall } from './calls.js'
import type { Execution } from './execution.js'

export const POLICY_OPTIONS = ['retry', 'timeout', 'network']
const NO_POLICY: StepPolicy = { retry: undefined, timeoutMs: undefined, needsNetwork: false }

type Body<V> = (context: StepContext) => V | Promise<V>

export function createStepRunner(execution: Execution, callBody: CallBody): Step['run'] {
  return <V>(name: string, body: Body<V>, options?: unknown): Promise<V> =>
    attemptCall(() => {
      const policy = claimName(execution, 'step.run', name, () => {
        checkBody(body, `step.run("${name}"): the second argument`)
        return checkPolicy(options, `step.run("${name}")`)
      })
      return openBody(execution, callBody, { name, method: 'step.run', body, policy }).promise
    })
}

export interface BodyCall<V> {
  readonly name: string
  readonly method: string
  readonly body: Body<V>
  readonly policy: StepPolicy
}

/** A call of a function whose name was claimed. */
export function openBody<V>(
  execution: Execution,
  callBody: CallBody,
  { name, method, body, policy }: BodyCall<V>,
): Call<V> {
  return openCall<V>(execution, name, {
    kind: 'run',
    method,
    begin: (call, stored) => beginBody(call, stored, { callBody, policy, body }),
    read: ({ output = '' }) => replayed<V>(execution.codec, output, execution.blobs.all),
  })
}

export function checkBody(body: unknown, what: string): void {
  if (typeof body !== 'function') throw invalid(`${what} must be a function.`)
}

/** The options of a step. @param others options of other kinds that may stand beside them. */
export function checkPolicy(
  options: unknown,
  what: string,
  others: readonly string[] = [],
): StepPolicy {
  if (options === undefined) return NO_POLICY
  const { retry, timeout, network } = checkOptions(options, what, [...POLICY_OPTIONS, ...others])
  const name = (option: string) => `The option ${option} of ${what}`
  if (network !== undefined) checkOneOf(network, name('network'), ['online'])
  return {
    retry: retry === undefined ? undefined : checkRetry(retry, name('retry')),
    timeoutMs: timeout === undefined ? undefined : durationMs(timeout, name('timeout')),
    needsNetwork: network !== undefined,
  }
}
