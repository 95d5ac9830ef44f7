// Whatever comes through a door of the engine worker, the code behind the door's check can take what the check lets through.
import { describe, expect, test } from 'vitest'
import { isToEverybody, isToFollower } from '../src/client/channel-messages.js'
import { createRequests } from '../src/client/requests.js'
import { createBatch } from '../src/engine-worker/batch.js'
import type { Blobs } from '../src/engine-worker/blobs/blobs.js'
import { blobIdsOfEnvelope } from '../src/engine-worker/blobs/ids.js'
import { isToLeader } from '../src/engine-worker/channel-messages.js'
import { createIntake } from '../src/engine-worker/intake.js'
import { isFromExecutor, isToEngineWorker } from '../src/engine-worker/messages.js'
import { isEngineMessage } from '../src/executor/messages.js'
import { createOutbox } from '../src/executor/outbox.js'
import { blobIdsOfAssignment, blobIdsOfStep } from '../src/executor/stored-blobs.js'
import type { Input } from '../src/generated/protocol.js'
import { type Dice, malformed, type Sample, samplesOf } from './malformed.js'
import { randomOf } from './random.js'

const SAMPLES = samplesOf('client', 1)
const SEED = Number(process.env['STEPWELL_SEED'] ?? 1)
const TIMES = 10_000

const NO_BLOBS: Blobs = {
  store: () => Promise.resolve(),
  read: () => Promise.resolve(null),
  list: () => Promise.resolve([]),
  asked: () => new Set(),
  delete: () => undefined,
  discard: () => undefined,
  sweepLater: () => undefined,
  close: () => undefined,
}

/** What the engine worker does with messages, up to the wasm, which reads each input by itself. */
function createWorker() {
  const batch = createBatch()
  const taken: Input[] = []
  batch.start((inputs) => taken.push(...inputs))
  const intake = createIntake({
    blobs: NO_BLOBS,
    push: batch.push,
    answer: () => undefined,
  })
  return { batch, intake, taken }
}

/** How many of the messages a door let through; fails when what stands behind it throws. */
function knock(samples: readonly Sample[], take: (message: unknown) => boolean): number {
  const dice: Dice = randomOf(SEED)
  let letThrough = 0
  for (let i = 0; i < TIMES; i++) {
    const message = malformed(dice, samples)
    try {
      if (take(message)) letThrough += 1
    } catch (error) {
      expect.fail(`message ${i} of seed ${SEED}, ${shown(message)}: ${String(error)}`)
    }
  }
  return letThrough
}

function shown(message: unknown): string {
  try {
    return JSON.stringify(message).slice(0, 500)
  } catch {
    return String(message)
  }
}

// Seconds of work where other tests want the machine too.
describe(`${TIMES} malformed messages`, { timeout: 30_000 }, () => {
  test('of a page do no harm', () => {
    const { batch, intake } = createWorker()
    const letThrough = knock(SAMPLES.engineWorker, (message) => {
      if (!isToEngineWorker(message)) return false
      if (message.type !== 'stepwell:requests') return true
      intake.add(
        'client',
        message.requests,
        new Map(message.blobs.map(({ id, blob }) => [id, blob])),
      )
      return true
    })
    batch.flushAll()
    batch.stop()
    // Else nothing was tried of what stands behind the check.
    expect(letThrough).toBeGreaterThan(100)
  })

  test('of an executor do no harm', () => {
    const { batch } = createWorker()
    const letThrough = knock(SAMPLES.executor, (message) => {
      if (!isFromExecutor(message)) return false
      if (message.type !== 'stepwell:envelopes') return true
      for (const envelope of message.envelopes) {
        blobIdsOfEnvelope(envelope).map((id) => id.length)
        batch.push({ type: 'executor', executorId: 'e', envelope })
      }
      return true
    })
    batch.flushAll()
    batch.stop()
    expect(letThrough).toBeGreaterThan(100)
  })

  test('of a follower do no harm', () => {
    const { batch, intake } = createWorker()
    const letThrough = knock(SAMPLES.command, (message) => {
      if (!isToLeader(message)) return false
      if (message.type !== 'stepwell:requests') return true
      const { clientId, requests, blobs } = message
      intake.add(clientId, requests, new Map(blobs.map(({ id, blob }) => [id, blob])))
      return true
    })
    batch.flushAll()
    batch.stop()
    expect(letThrough).toBeGreaterThan(100)
  })

  test('of a leader do no harm', () => {
    const requests = createRequests()
    const heard = knock(SAMPLES.reply, (message) => {
      if (!isToFollower(message)) return false
      if (message.type === 'replies') requests.answered(message.replies)
      return true
    })
    expect(heard).toBeGreaterThan(100)
    expect(knock(SAMPLES.events, isToEverybody)).toBeGreaterThan(100)
  })

  test('to an executor do no harm', () => {
    const outbox = createOutbox()
    const letThrough = knock(SAMPLES.toExecutor, (message) => {
      if (!isEngineMessage(message)) return false
      if (message.type === 'ack') outbox.acked(message.seqs)
      else if (message.type === 'assign') blobIdsOfAssignment(message.assignment)
      else if (message.type === 'resume') message.steps.map(blobIdsOfStep)
      else if (message.type === 'resolved') blobIdsOfStep(message.step)
      else if (message.type === 'welcome') message.adopted.map(({ runId }) => runId.length)
      return true
    })
    expect(letThrough).toBeGreaterThan(100)
  })

  test('and those that are as they must be come through', () => {
    const { port1 } = new MessageChannel()
    const whole = SAMPLES.engineWorker.map((sample) => ({
      ...sample,
      ...('port' in sample && { port: port1 }),
      ...('file' in sample && { file: new Blob(['x']) }),
    }))
    expect(whole.filter((message) => !isToEngineWorker(message))).toEqual([])
    expect(SAMPLES.executor.filter((message) => !isFromExecutor(message))).toEqual([])
    const asked = SAMPLES.command.map((sample) => ({
      ...sample,
      ...('file' in sample && { file: new Blob(['x']) }),
    }))
    expect(asked.filter((message) => !isToLeader(message))).toEqual([])
    expect(SAMPLES.toExecutor.filter((message) => !isEngineMessage(message))).toEqual([])
    expect(SAMPLES.events.filter((message) => !isToEverybody(message))).toEqual([])
    const answers = SAMPLES.reply.map((sample) => ({
      ...sample,
      ...('bytes' in sample && { bytes: new Uint8Array(1) }),
    }))
    expect(answers.filter((message) => !isToFollower(message))).toEqual([])
    port1.close()
  })
})
