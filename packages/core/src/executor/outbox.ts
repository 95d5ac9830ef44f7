/**
 * Messages to the engine: kept until they are answered, and sent again to a restarted engine under their run's new
 * generation. They leave as one array per microtask checkpoint.
 */
import type { NewBlob } from '../codec/codec.js'
import type { StepwellError } from '../errors.js'
import type { ExecutorEnvelope, ExecutorMessage, Generation, RunId } from '../generated/protocol.js'

/** What is said about a run. */
export type RunMessage = Exclude<ExecutorMessage, { type: 'hello' }>

export interface Outbox {
  /** Sends what wants no answer. Lost while there is no engine. */
  readonly tell: (message: RunMessage) => void
  /** Sends what is answered, and keeps it until then, with the blobs that its payload names. */
  readonly post: (message: RunMessage, blobs: readonly NewBlob[], answers: Answers) => void
  /** Lets what is queued leave now, and not when the code that runs now ends: it may block its thread. */
  readonly flush: () => void
  /** Whether a message still waits for its answer. */
  readonly has: (seq: number) => boolean
  readonly acked: (seqs: readonly number[]) => void
  /** One of a message's blobs cannot be stored, ever. */
  readonly unstorable: (seq: number, error: StepwellError) => void
  /** Forgets what was said about a run. */
  readonly drop: (runId: RunId) => void
  /** Holds everything back until `open`. */
  readonly shut: () => void
  /** An engine has welcomed this executor: sends again what has no answer, under the generations it gave. */
  readonly open: (send: Send, generations: ReadonlyMap<RunId, Generation>) => void
}

export interface Answers {
  readonly onAck: () => void
  /** Left out where a message has no blobs. */
  readonly onUnstorable?: (error: StepwellError) => void
}

export type Send = (envelopes: ExecutorEnvelope[], blobs: readonly NewBlob[]) => void

interface Unanswered {
  message: RunMessage
  readonly blobs: readonly NewBlob[]
  readonly answers: Answers
}

/** Beyond this many, messages do not wait for the end of the checkpoint. */
const QUEUE_MAX = 256

export function createOutbox(): Outbox {
  const unanswered = new Map<number, Unanswered>()
  let queue: ExecutorEnvelope[] = []
  let send: Send | null = null
  let lastSeq = 0
  let isScheduled = false

  const flush = () => {
    if (send === null || queue.length === 0) return
    const envelopes = queue
    queue = []
    send(
      envelopes,
      envelopes.flatMap(({ seq }) => unanswered.get(seq)?.blobs ?? []),
    )
  }
  // Waits as long as each microtask adds something: runs that were answered together speak together.
  const settle = (seen: number) => {
    if (queue.length > seen && queue.length < QUEUE_MAX) {
      const length = queue.length
      queueMicrotask(() => settle(length))
      return
    }
    isScheduled = false
    flush()
  }
  const enqueue = (envelope: ExecutorEnvelope) => {
    if (send === null) return
    queue.push(envelope)
    if (isScheduled) return
    isScheduled = true
    queueMicrotask(() => settle(0))
  }
  return {
    tell: (message) => enqueue({ seq: 0, message }),
    post(message, blobs, answers) {
      lastSeq += 1
      unanswered.set(lastSeq, { message, blobs, answers })
      enqueue({ seq: lastSeq, message })
    },
    flush,
    has: (seq) => unanswered.has(seq),
    acked(seqs) {
      for (const seq of seqs) {
        const answered = unanswered.get(seq)
        unanswered.delete(seq)
        answered?.answers.onAck()
      }
    },
    unstorable(seq, error) {
      const refused = unanswered.get(seq)
      unanswered.delete(seq)
      refused?.answers.onUnstorable?.(error)
    },
    drop(runId) {
      for (const [seq, { message }] of unanswered) {
        if (message.runId === runId) unanswered.delete(seq)
      }
      queue = queue.filter(({ message }) => message.type === 'hello' || message.runId !== runId)
    },
    shut() {
      send = null
      queue = []
    },
    open(sendTo, generations) {
      send = sendTo
      queue = []
      for (const [seq, entry] of unanswered) {
        const generation = generations.get(entry.message.runId)
        if (generation !== undefined) entry.message = { ...entry.message, generation }
        queue.push({ seq, message: entry.message })
      }
      flush()
    },
  }
}
