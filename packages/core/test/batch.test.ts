import { afterEach, describe, expect, test } from 'vitest'
import { type Batch, createBatch } from '../src/engine-worker/batch.js'
import type { ExecutorMessage, Input } from '../src/generated/protocol.js'

let batches: Batch[] = []
afterEach(() => {
  for (const batch of batches) batch.stop()
  batches = []
})

function startOf(runId: string): Input {
  const message: ExecutorMessage = {
    type: 'stepStart',
    runId,
    generation: 1,
    stepName: 's',
    attempt: 1,
    timeoutMs: undefined,
    retry: undefined,
  }
  return { type: 'executor', executorId: 'e', envelope: { seq: 0, message } }
}

/** What leaves, a line a batch: the runs that its inputs are about. */
function recorded() {
  const left: string[] = []
  const batch = createBatch()
  batches.push(batch)
  const nameOf = (input: Input) =>
    input.type === 'executor' && input.envelope.message.type !== 'hello'
      ? input.envelope.message.runId
      : input.type
  batch.start((inputs) => left.push(inputs.map(nameOf).join(' ')))
  /** Messages that have arrived, each of which brought inputs of these runs. */
  const say = (...messages: readonly (readonly string[])[]) => {
    for (const runIds of messages) {
      batch.message(() => {
        for (const runId of runIds) batch.push(startOf(runId))
      })
    }
  }
  /** One message of a run after the other, each after the answer to the one before. */
  const alone = async (runId: string, times: number) => {
    for (let n = 0; n < times; n++) {
      say([runId])
      await calm()
    }
  }
  return { batch, left, say, alone }
}

/** Until all that was posted has arrived. */
async function calm(): Promise<void> {
  const { port1, port2 } = new MessageChannel()
  await new Promise((resolve) => {
    port1.onmessage = resolve
    port2.postMessage(null)
  })
  port1.close()
}

const SOME = 6

describe('group commit', () => {
  test('messages that have arrived leave in one batch', async () => {
    const { left, say } = recorded()
    say(['a', 'a'], ['b'], ['c'])
    expect(left).toEqual([])
    await calm()
    expect(left).toEqual(['a a b c'])
  })

  test('what is pushed for other reasons leaves with them', async () => {
    const { batch, left, say } = recorded()
    batch.push({ type: 'tick' })
    say(['a'])
    batch.pushLater({ type: 'upkeep' })
    await calm()
    expect(left).toEqual(['tick a upkeep'])
  })
})

describe('a run that is alone', () => {
  test('waits for nobody, after it was alone for a while', async () => {
    const { left, say, alone } = recorded()
    await alone('a', SOME)
    const before = left.length
    say(['a', 'a'])
    expect(left.slice(before)).toEqual(['a a'])
  })

  test('is not alone any more with the first message of another', async () => {
    const { left, say, alone } = recorded()
    await alone('a', SOME)
    const before = left.length
    say(['b'], ['a'], ['c'])
    expect(left).toHaveLength(before)
    await calm()
    expect(left.slice(before)).toEqual(['b a c'])
    say(['a'], ['a'])
    await calm()
    expect(left.slice(before)).toEqual(['b a c', 'a a'])
  })

  test('is looked at again and again: its parallel steps soon share commits', async () => {
    const { left, say, alone } = recorded()
    await alone('a', SOME)
    const before = left.length
    say(...Array.from({ length: 20 }, () => ['a']))
    await calm()
    const sizes = left.slice(before).map((line) => line.split(' ').length)
    expect(sizes.length).toBeLessThanOrEqual(8)
    expect(sizes.reduce((sum, size) => sum + size)).toBe(20)
    say(['a'], ['a'])
    expect(left.slice(before)).toHaveLength(sizes.length)
  })

  test.each<[string, (batch: Batch) => void]>([
    ['a wake-up', (batch) => batch.pushLater({ type: 'tick' })],
    ['the network', (batch) => batch.push({ type: 'network', isOnline: true })],
  ])('does not overtake %s', async (_, push) => {
    const { batch, left, say, alone } = recorded()
    await alone('a', SOME)
    const before = left.length
    push(batch)
    say(['a'])
    expect(left).toHaveLength(before)
    await calm()
    expect(left.slice(before)).toHaveLength(1)
  })

  test('stays where batches are held', async () => {
    const { batch, left, say, alone } = recorded()
    await alone('a', SOME)
    const before = left.length
    const release = batch.hold()
    say(['a'])
    await calm()
    expect(left).toHaveLength(before)
    release()
    await calm()
    expect(left.slice(before)).toEqual(['a'])
  })

  test('never makes the engine be called from within', async () => {
    const { batch, say, alone } = recorded()
    await alone('a', SOME)
    const calls: string[] = []
    batch.start(([input]) => {
      calls.push(`${input?.type} begins`)
      if (input?.type === 'executor') batch.pushLater({ type: 'tick' })
      calls.push(`${input?.type} ends`)
    })
    say(['a'])
    expect(calls).toEqual(['executor begins', 'executor ends'])
    await calm()
    expect(calls.slice(2)).toEqual(['tick begins', 'tick ends'])
  })
})
