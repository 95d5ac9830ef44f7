import { expect, test } from 'vitest'
import { StepwellError } from '../src/errors.js'
import { silenceStopErrors, stopError } from '../src/executor/stop-errors.js'

/** Whether the browser would report that nobody handled it. */
function isReported(target: EventTarget, reason: unknown): boolean {
  const event = Object.assign(new Event('unhandledrejection', { cancelable: true }), { reason })
  return target.dispatchEvent(event)
}

test('that an execution was stopped is reported by nobody, and everything else is', () => {
  const target = new EventTarget()
  const end = silenceStopErrors(target)
  for (const reason of ['cancelled', 'lease_lost', 'closed', 'evicted'] as const) {
    expect(isReported(target, stopError(reason, 'run-1'))).toBe(false)
  }
  for (const reason of [
    new Error('x'),
    new StepwellError('cancelled', 'x'),
    'x',
    null,
    undefined,
  ]) {
    expect(isReported(target, reason)).toBe(true)
  }
  end()
  expect(isReported(target, stopError('evicted', 'run-1'))).toBe(true)
})

test('where the global object hears no events nothing is done', () => {
  expect(silenceStopErrors(undefined)).toBeTypeOf('function')
})
