import { describe, expect, test, vi } from 'vitest'
import { createFaults } from '../src/client/faults.js'
import { createRequests } from '../src/client/requests.js'
import { isStepwellError, StepwellError } from '../src/errors.js'
import type { ClientRequest, Command } from '../src/generated/protocol.js'

const owner = {}
const getRun: Command = { type: 'getRun', runId: 'r' }
const answer = ({ requestId }: ClientRequest) => ({
  requestId,
  reply: { type: 'run' as const, run: undefined },
})
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (reason: unknown) => (isStepwellError(reason) ? reason.code : 'other'),
  )
const trigger = (chars: number): Command => ({
  type: 'trigger',
  run: {
    jobName: 'a',
    input: 'x'.repeat(chars),
    blobs: [],
    maxRecoveries: undefined,
    idempotencyKey: undefined,
    concurrencyKey: undefined,
    coalesce: false,
    labels: {},
    priority: 0,
    retry: undefined,
    timeoutMs: undefined,
    startAt: undefined,
    delayMs: undefined,
  },
})

describe('requests', () => {
  test('those of one microtask checkpoint leave as one array', async () => {
    const requests = createRequests()
    const sent: (readonly ClientRequest[])[] = []
    requests.attach((batch) => sent.push(batch))
    for (let i = 0; i < 16; i++) void requests.add(getRun, owner)
    expect(sent).toEqual([])
    await Promise.resolve()
    expect(sent.map(({ length }) => length)).toEqual([16])
    expect(new Set(sent.flat().map(({ requestId }) => requestId)).size).toBe(16)
  })

  test('what is open is sent again, under the same ids, to the next engine; what was answered is not', async () => {
    const requests = createRequests()
    const first = vi.fn<(batch: readonly ClientRequest[]) => void>()
    const second = vi.fn<(batch: readonly ClientRequest[]) => void>()
    const one = requests.add(getRun, owner)
    const two = requests.add(getRun, owner)
    requests.attach(first)
    const [a, b] = first.mock.calls[0]?.[0] ?? []
    if (a === undefined || b === undefined) throw new Error('nothing was sent')
    requests.answered([answer(a)])
    await one
    requests.detach()
    const three = requests.add(getRun, owner)
    requests.attach(second)
    const again = second.mock.calls[0]?.[0] ?? []
    expect(again[0]).toEqual(b)
    expect(again).toHaveLength(2)
    requests.answered(again.map(answer))
    await Promise.all([two, three])
    expect(requests.isWaiting).toBe(false)
  })

  test('an answer of another kind is an internal error, an error is that error', async () => {
    const requests = createRequests()
    requests.attach((batch) => {
      const [first, second] = batch.map(({ requestId }) => requestId)
      const error = { code: 'not_found' as const, message: 'No.' }
      requests.answered([
        { requestId: first ?? '', reply: { type: 'steps', steps: [] } },
        { requestId: second ?? '', reply: { type: 'error', error } },
        { requestId: 'unknown', reply: { type: 'steps', steps: [] } },
      ])
    })
    const codes = [codeOf(requests.add(getRun, owner)), codeOf(requests.add(getRun, owner))]
    expect(await Promise.all(codes)).toEqual(['internal', 'not_found'])
  })

  test('rejecting tells what may have reached the engine, of one owner only', async () => {
    const requests = createRequests()
    requests.attach(() => undefined)
    const sent = codeOf(requests.add(getRun, owner))
    const others = codeOf(requests.add(getRun, {}))
    await Promise.resolve()
    requests.detach()
    const unsent = codeOf(requests.add(getRun, owner))
    requests.rejectOf(
      owner,
      (wasSent) => new StepwellError(wasSent ? 'outcome_unknown' : 'closed', 'x'),
    )
    expect(await sent).toBe('outcome_unknown')
    expect(await unsent).toBe('closed')
    requests.rejectAll(() => new StepwellError('faulted', 'x'))
    expect(await others).toBe('faulted')
  })

  test.each([
    ['deleteRun', 'resolved'],
    ['cancel', 'not_found'],
  ] as const)(
    '%s that a lost engine may have carried out: not_found from the next is %s',
    async (type, outcome) => {
      const requests = createRequests()
      const ask: Command = { type, runId: 'r' }
      const refuse = (batch: readonly ClientRequest[]) => {
        const error = { code: 'not_found' as const, message: 'No.' }
        requests.answered(
          batch.map(({ requestId }) => ({ requestId, reply: { type: 'error', error } })),
        )
      }
      const first = codeOf(requests.add(ask, owner))
      requests.attach(() => undefined)
      requests.detach()
      const second = codeOf(requests.add(ask, owner))
      requests.attach(refuse)
      expect(await first).toBe(outcome)
      expect(await second).toBe('not_found')
    },
  )

  test('at most 1,000 commands are open', async () => {
    const requests = createRequests()
    const open = Array.from({ length: 1000 }, () => codeOf(requests.add(getRun, owner)))
    expect(await codeOf(requests.add(getRun, owner))).toBe('limit_exceeded')
    requests.attach((batch) => requests.answered(batch.map(answer)))
    expect(new Set(await Promise.all(open))).toEqual(new Set(['resolved']))
    expect(await codeOf(requests.add(getRun, owner))).toBe('resolved')
  })

  test('a batch counts with all of its inputs', async () => {
    const requests = createRequests()
    const one = trigger(3 * 1024 * 1024)
    if (one.type !== 'trigger') throw new Error(one.type)
    const batch: Command = { type: 'batchTrigger', runs: [one.run, one.run, one.run] }
    expect(await codeOf(requests.add(batch, owner))).toBe('payload_too_large')
    void requests.add({ type: 'batchTrigger', runs: [one.run, one.run] }, owner)
    expect(await codeOf(requests.add(one, owner))).toBe('limit_exceeded')
  })

  test('a signal counts with its value', async () => {
    const requests = createRequests()
    const signal = { type: 'signal' as const, key: 'k', error: undefined, blobs: [] }
    const value = 'x'.repeat(9 * 1024 * 1024)
    expect(await codeOf(requests.add({ ...signal, value }, owner))).toBe('payload_too_large')
    const promise = requests.add({ ...signal, value: undefined }, owner)
    requests.attach((batch) =>
      requests.answered(
        batch.map(({ requestId }) => ({
          requestId,
          reply: { type: 'signalled', disposition: 'delivered' },
        })),
      ),
    )
    expect(await promise).toEqual({ type: 'signalled', disposition: 'delivered' })
  })

  test('at most 8 MiB are open, and no single command is larger', async () => {
    const requests = createRequests()
    expect(await codeOf(requests.add(trigger(9 * 1024 * 1024), owner))).toBe('payload_too_large')
    void requests.add(trigger(5 * 1024 * 1024), owner)
    expect(await codeOf(requests.add(trigger(5 * 1024 * 1024), owner))).toBe('limit_exceeded')
    void requests.add(trigger(2 * 1024 * 1024), owner)
  })
})

test('the third lost engine within 60 s is one too many', () => {
  const faults = createFaults()
  expect([0, 1000, 61_500, 62_000].map((ms) => faults.add(ms))).toEqual([
    false,
    false,
    false,
    false,
  ])
  expect(faults.add(62_100)).toBe(true)
})
