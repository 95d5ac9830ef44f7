/** From the wire's runs and steps to the public ones. */
import { describe, expect, test } from 'vitest'
import { blobIdsOfSteps, toFailure, toRun, toStep, toWaitingFor } from '../src/client/convert.js'
import { runError } from '../src/client/run-error.js'
import { createCodec } from '../src/codec/codec.js'
import type { RunFailure, Step, WaitingFor } from '../src/generated/protocol.js'
import { wireRun } from './wire-run.js'

const codec = createCodec()
const failure: RunFailure = {
  name: 'TypeError',
  message: 'no',
  stack: undefined,
  causes: [
    { name: 'RangeError', message: 'far' },
    { name: 'Error', message: 'deep' },
  ],
  code: 'error',
  attempt: 2,
  stepName: undefined,
}
const step = (rest: Partial<Step>): Step => ({
  name: 'a',
  kind: 'run',
  status: 'completed',
  completedIndex: 0,
  attempt: 1,
  output: undefined,
  error: undefined,
  firstAttempt: 1,
  waitingFor: undefined,
  children: [],
  startedAt: 1,
  completedAt: 2,
  ...rest,
})

test.each<[WaitingFor, object]>([
  [
    { kind: 'retry', stepName: undefined, attempt: 2, until: 9, error: failure },
    { kind: 'retry', stepName: null, attempt: 2, until: 9, error: toFailure(failure) },
  ],
  [
    { kind: 'sleep', stepName: 's', until: 9 },
    { kind: 'sleep', stepName: 's', until: 9 },
  ],
  [
    { kind: 'signal', stepName: 's', key: 'k', until: undefined },
    { kind: 'signal', stepName: 's', key: 'k', until: null },
  ],
  [
    { kind: 'signal', stepName: 's', key: 'k', until: 9 },
    { kind: 'signal', stepName: 's', key: 'k', until: 9 },
  ],
  [
    { kind: 'children', stepName: 's', count: 3 },
    { kind: 'children', stepName: 's', count: 3 },
  ],
  [
    { kind: 'network', stepName: undefined },
    { kind: 'network', stepName: null },
  ],
])('a wait: %j', (wire, shown) => {
  expect(toWaitingFor(wire)).toStrictEqual(shown)
  const run = toRun(codec, wireRun({ status: 'waiting', waitingFor: wire }))
  expect(run).toMatchObject({ status: 'waiting', waitingFor: shown })
  expect(toStep(codec, step({ status: 'waiting', waitingFor: wire })).waitingFor).toEqual(shown)
})

describe('a run', () => {
  test('of no parent, without a limit', () => {
    expect(toRun(codec, wireRun())).toMatchObject({
      parentId: null,
      rootId: 'run-1',
      parentStep: null,
      childIndex: null,
      retry: { maxAttempts: 1 },
      timeoutMs: null,
    })
  })

  test('that is the first child of a step', () => {
    const place = { parentId: 'p', rootId: 'r', parentStep: 's', childIndex: 0, timeoutMs: 5 }
    expect(toRun(codec, wireRun(place))).toMatchObject(place)
  })

  test('that waits, for nobody knows what, can be shown', () => {
    const run = toRun(codec, wireRun({ status: 'waiting', attempt: 3 }))
    expect(run.waitingFor).toMatchObject({ kind: 'retry', attempt: 3, error: { name: 'Error' } })
  })
})

test('a failure keeps what caused it, as data and as the error that is thrown', () => {
  expect(toFailure(failure)).toStrictEqual({
    name: 'TypeError',
    message: 'no',
    causes: failure.causes,
    code: 'error',
    attempt: 2,
  })
  const error = runError('run-1', toFailure(failure))
  expect(error).toMatchObject({ runId: 'run-1', name: 'TypeError', message: 'no' })
  expect(error.cause).toMatchObject({ name: 'RangeError', message: 'far' })
  expect(error.cause).toMatchObject({ cause: { name: 'Error', message: 'deep' } })
  expect('cause' in runError('run-1', { ...toFailure(failure), causes: [] })).toBe(false)
})

test('the children of a step, with their outputs and failures', () => {
  const child = { jobName: 'part', output: undefined, error: undefined }
  const shown = toStep(
    codec,
    step({
      kind: 'invoke',
      children: [
        { ...child, runId: '1', status: 'completed', output: '{"n":1}' },
        { ...child, runId: '2', status: 'failed', error: failure },
        { ...child, runId: '3', status: 'cancelled' },
      ],
    }),
  )
  expect(shown.kind).toBe('invoke')
  expect(shown.children).toStrictEqual([
    { runId: '1', jobName: 'part', status: 'completed', output: { n: 1 } },
    { runId: '2', jobName: 'part', status: 'failed', error: toFailure(failure) },
    { runId: '3', jobName: 'part', status: 'cancelled' },
  ])
  expect('children' in toStep(codec, step({ kind: 'invoke' }))).toBe(false)
})

test('the Files in the outputs of children are read too', () => {
  const { payload, blobs } = codec.encode({ scan: new Blob(['a']) }, 'It')
  const own = codec.encode(new Blob(['b']), 'It')
  const child = { runId: '1', jobName: 'part', status: 'completed' as const, error: undefined }
  const ids = blobIdsOfSteps([
    step({ output: own.payload }),
    step({ kind: 'invoke', children: [{ ...child, output: payload }] }),
  ])
  expect(ids).toEqual([...own.blobs, ...blobs].map(({ id }) => id))
})
