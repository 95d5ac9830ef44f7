/** `step.sleep`, `step.sleepUntil` and `step.waitForSignal`: the engine waits, and tells the end. */
import { replayed } from '../codec/codec.js'
import { durationMs } from '../duration.js'
import type { NewWait } from '../generated/protocol.js'
import { checkOptions, checkTime } from '../options.js'
import { checkSignalKey } from '../signal-key.js'
import type { SignalResult, Step } from '../step.js'
import { attemptCall, type Call, type CallKind, claimName, openCall } from './calls.js'
import type { Execution } from './execution.js'

type Waits = Pick<Step, 'sleep' | 'sleepUntil' | 'waitForSignal'>

export function createWaits(execution: Execution): Waits {
  return {
    sleep: (name, duration) =>
      attemptCall(() => {
        const ms = claimName(execution, 'step.sleep', name, () =>
          durationMs(duration, `step.sleep("${name}"): the duration`),
        )
        return openSleep(execution, name, 'step.sleep', { kind: 'sleep', durationMs: ms })
      }),
    sleepUntil: (name, at) =>
      attemptCall(() => {
        const until = claimName(execution, 'step.sleepUntil', name, () =>
          checkTime(at, `step.sleepUntil("${name}"): the time`),
        )
        return openSleep(execution, name, 'step.sleepUntil', { kind: 'sleepUntil', until })
      }),
    waitForSignal: <T>(name: string, options?: unknown) =>
      attemptCall(() => {
        const wait = claimName(execution, 'step.waitForSignal', name, () =>
          checkSignalWait(execution, name, options),
        )
        const { codec, blobs } = execution
        const kind: CallKind<SignalResult<T>> = {
          kind: 'signal',
          method: 'step.waitForSignal',
          begin: (call) => postWait(call, wait),
          read: ({ output }) =>
            output === undefined
              ? { received: false, reason: 'timeout' }
              : { received: true, value: replayed<T>(codec, output, blobs.all) },
        }
        return openCall(execution, name, kind).promise
      }),
  }
}

function openSleep(
  execution: Execution,
  name: string,
  method: string,
  wait: NewWait,
): Promise<void> {
  return openCall<void>(execution, name, {
    kind: 'sleep',
    method,
    begin: (call) => postWait(call, wait),
    read: () => undefined,
  }).promise
}

function postWait<V>(call: Call<V>, wait: NewWait): void {
  const { execution, name: stepName } = call
  const { assignment, generation, reports, outbox } = execution
  const { runId } = assignment
  const report = reports.take()
  const onAck = call.waitPosted()
  outbox.post({ type: 'stepWait', runId, generation, stepName, wait, report }, [], { onAck })
}

function checkSignalWait({ assignment }: Execution, name: string, options: unknown): NewWait {
  const what = `step.waitForSignal("${name}")`
  const { key, timeout } = checkOptions(options, what, ['key', 'timeout'])
  return {
    kind: 'signal',
    key:
      key === undefined
        ? `${assignment.runId}:${name}`
        : checkSignalKey(key, `The option key of ${what}`),
    timeoutMs:
      timeout === undefined ? undefined : durationMs(timeout, `The option timeout of ${what}`),
  }
}
