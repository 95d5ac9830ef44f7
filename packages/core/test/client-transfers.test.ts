/** Exports and imports on their way to the engine worker. */
import { describe, expect, test } from 'vitest'
import { createTransfers, type TransferAsk } from '../src/client/transfers.js'
import { isStepwellError, StepwellError } from '../src/errors.js'
import type { ToEngineWorker } from '../src/wire.js'

const owner = {}
const out: TransferAsk = { type: 'stepwell:export', blobs: false }
const into: TransferAsk = { type: 'stepwell:import', file: new Blob(['x']) }
type Sent = Extract<ToEngineWorker, { type: 'stepwell:export' | 'stepwell:import' }>

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (reason: unknown) => (isStepwellError(reason) ? reason.code : 'other'),
  )

function attached() {
  const transfers = createTransfers()
  const sent: Sent[] = []
  transfers.attach((request) => sent.push(request))
  const idOf = (index: number) => sent[index]?.requestId ?? ''
  return { transfers, sent, idOf }
}

describe('transfers', () => {
  test('an export is answered with its bytes, an import with nothing', async () => {
    const { transfers, sent, idOf } = attached()
    const bytes = new Uint8Array([1, 2])
    const exported = transfers.add(out, owner)
    const imported = transfers.add(into, owner)
    expect(sent.map(({ type }) => type)).toEqual(['stepwell:export', 'stepwell:import'])
    expect(transfers.isWaiting).toBe(true)
    transfers.answered({ type: 'imported', requestId: idOf(1), error: null })
    transfers.answered({ type: 'exported', requestId: idOf(0), bytes })
    transfers.answered({ type: 'exported', requestId: 'unknown', bytes })
    expect(await exported).toBe(bytes)
    expect(await imported).toHaveLength(0)
    expect(transfers.isWaiting).toBe(false)
  })

  test('a refusal is that error', async () => {
    const { transfers, idOf } = attached()
    const imported = codeOf(transfers.add(into, owner))
    const error = { code: 'storage_corrupt' as const, message: 'No.' }
    transfers.answered({ type: 'transfer-failed', requestId: idOf(0), error })
    expect(await imported).toBe('storage_corrupt')
  })

  test('what is asked for without an engine waits for one; what was sent to a lost one is not sent again', async () => {
    const transfers = createTransfers()
    const first: Sent[] = []
    const second: Sent[] = []
    const early = codeOf(transfers.add(out, owner))
    transfers.attach((request) => first.push(request))
    expect(first).toHaveLength(1)
    transfers.detach()
    expect(await early).toBe('outcome_unknown')
    const late = transfers.add(into, owner)
    transfers.attach((request) => second.push(request))
    expect(second.map(({ type }) => type)).toEqual(['stepwell:import'])
    transfers.answered({ type: 'imported', requestId: second[0]?.requestId ?? '', error: null })
    await late
  })

  test('after an import whatever else was asked goes to the next engine', async () => {
    const { transfers, idOf } = attached()
    const first = transfers.add(into, owner)
    const second = transfers.add(out, owner)
    transfers.answered({ type: 'imported', requestId: idOf(0), error: null })
    transfers.recall()
    transfers.detach()
    const again: Sent[] = []
    transfers.attach((request) => again.push(request))
    expect(again.map(({ requestId }) => requestId)).toEqual([idOf(1)])
    const bytes = new Uint8Array([1])
    transfers.answered({ type: 'exported', requestId: idOf(1), bytes })
    await first
    expect(await second).toBe(bytes)
  })

  test('an import that lost files is that error', async () => {
    const { transfers, idOf } = attached()
    const imported = codeOf(transfers.add(into, owner))
    const error = { code: 'storage_full' as const, message: 'No.' }
    transfers.answered({ type: 'imported', requestId: idOf(0), error })
    expect(await imported).toBe('storage_full')
  })

  test('rejecting tells what may have been carried out, of one owner only', async () => {
    const transfers = createTransfers()
    const unsent = codeOf(transfers.add(out, owner))
    transfers.rejectOf(
      owner,
      (wasSent) => new StepwellError(wasSent ? 'outcome_unknown' : 'closed', 'x'),
    )
    expect(await unsent).toBe('closed')
    transfers.attach(() => undefined)
    const mine = codeOf(transfers.add(into, owner))
    const others = codeOf(transfers.add(into, {}))
    transfers.rejectOf(
      owner,
      (wasSent) => new StepwellError(wasSent ? 'outcome_unknown' : 'closed', 'x'),
    )
    expect(await mine).toBe('outcome_unknown')
    transfers.rejectAll(() => new StepwellError('faulted', 'x'))
    expect(await others).toBe('faulted')
  })
})
