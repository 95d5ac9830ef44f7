/**
 * An executor: takes assignments from the engine and executes them, in a worker or in the page.
 *
 * It outlives engines. A restarted engine brings a new port and is told what is being worked on; what it adopts goes on
 * under a new generation, and everything else is aborted, so that no body runs twice at the same time.
 */
import { type BlobReads, createBlobReads } from '../blob-reads.js'
import { createCodec, type Serializer } from '../codec/codec.js'
import { fromErrorInfo } from '../errors.js'
import type { ServedJob } from '../generated/protocol.js'
import type { AnyJob } from '../infer.js'
import { jobDefinition } from '../job.js'
import { holdLock, type Liveness } from '../liveness.js'
import { BUILD_ID, type ConnectExecutor, executorLock, type FromExecutor } from '../wire.js'
import { type Assignments, createAssignments } from './assignments.js'
import { createContextFeed } from './context.js'
import { isEngineMessage, type Received } from './messages.js'
import { createOutbox, type Outbox, type Send } from './outbox.js'
import { PARKED_MAX_DEFAULT } from './parked.js'
import { silenceStopErrors } from './stop-errors.js'
import { createTurns } from './turns.js'

export interface ExecutorOptions {
  readonly jobs: ReadonlyMap<string, AnyJob>
  readonly connect: ConnectExecutor
  readonly serializer?: Serializer | undefined
  /** `undefined` where there are none. */
  readonly locks?: LockManager | undefined
  /** How many functions wait in memory at once. */
  readonly parkedMax?: number
}

export interface Executor {
  /** Goes on with a restarted engine, over its new port. */
  readonly connect: (message: ConnectExecutor) => void
  /** Serves other jobs from now on (hot reload). Runs in progress keep the code that they started with. */
  readonly setJobs: (jobs: ReadonlyMap<string, AnyJob>) => void
  /** Aborts everything and lets go of the lock. */
  readonly close: () => void
}

export function startExecutor(options: ExecutorOptions): Executor {
  let jobs = options.jobs
  let connection: ConnectExecutor | null = null
  let liveness: { readonly name: string; readonly lock: Liveness } | null = null
  const outbox = createOutbox()
  const blobReads = createBlobReads()
  const turns = createTurns()
  const unsilence = silenceStopErrors(globalEvents())
  const context = createContextFeed(options.connect.context, turns)
  let { limits } = options.connect
  let isOnline = true
  const onNetwork = (isNow: boolean) => {
    isOnline = isNow
  }
  const assignments = createAssignments({
    outbox,
    turns,
    blobReads,
    codec: () =>
      createCodec({
        serializer: options.serializer,
        payloadBytesMax: limits.payloadBytes,
        isOfOneRun: true,
      }),
    logLinesMax: () => limits.logLines,
    context,
    isOnline: () => isOnline,
    parkedMax: options.parkedMax ?? PARKED_MAX_DEFAULT,
  })

  /** Says hello once the lock is held, unless there is a newer connection by then. */
  const greet = (to: ConnectExecutor) => {
    const hello = () => {
      if (connection !== to) return
      outbox.shut()
      blobReads.detach()
      sayHello(to, servedJobs(jobs), assignments)
    }
    // Rejects where the lock cannot be had: another connection, or the page's end, is on its way then.
    liveness?.lock.held.then(hello, () => undefined)
  }
  const connect = (message: ConnectExecutor) => {
    connection?.port.close()
    connection = message
    limits = message.limits
    outbox.shut()
    blobReads.detach()
    const { port } = message
    port.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (connection !== message) return
      turns.begin()
      const received = Array.isArray(data) ? data : [data]
      for (const item of received) {
        if (isEngineMessage(item)) {
          receive(item, port, { outbox, blobReads, assignments, jobs, onNetwork })
        }
      }
    }
    const name = executorLock(message.database, message.executorId)
    if (liveness?.name !== name) {
      liveness?.lock.release()
      liveness = { name, lock: holdLock(name, options.locks) }
    }
    greet(message)
  }

  connect(options.connect)
  return {
    connect,
    setJobs(next) {
      jobs = next
      if (connection !== null) greet(connection)
    },
    close() {
      connection?.port.close()
      connection = null
      outbox.shut()
      assignments.stopAll('closed')
      liveness?.lock.release()
      context.close()
      turns.close()
      // Rejections are reported after the code that made them.
      setTimeout(unsilence)
    },
  }
}

function globalEvents(): EventTarget | undefined {
  return globalThis instanceof EventTarget ? globalThis : undefined
}

function sayHello(
  { port, slots }: ConnectExecutor,
  jobs: ServedJob[],
  assignments: Assignments,
): void {
  const message = {
    type: 'hello' as const,
    buildId: BUILD_ID,
    jobs,
    slots,
    holding: assignments.holding(),
  }
  say(port, { type: 'stepwell:envelopes', envelopes: [{ seq: 0, message }], blobs: [] })
}

function say(port: MessagePort, message: FromExecutor): void {
  port.postMessage(message)
}

function servedJobs(jobs: ReadonlyMap<string, AnyJob>): ServedJob[] {
  return [...jobs].map(([name, job]) => {
    const { concurrency, needsNetwork } = jobDefinition(job)
    return { name, concurrency, needsNetwork }
  })
}

interface Receiver {
  readonly outbox: Outbox
  readonly blobReads: BlobReads
  readonly assignments: Assignments
  readonly jobs: ReadonlyMap<string, AnyJob>
  readonly onNetwork: (isOnline: boolean) => void
}

function receive(
  message: Received,
  port: MessagePort,
  { outbox, blobReads, assignments, jobs, onNetwork }: Receiver,
): void {
  switch (message.type) {
    case 'welcome': {
      onNetwork(message.isOnline)
      const generations = assignments.adopt(message.adopted)
      const send: Send = (envelopes, blobs) =>
        say(port, { type: 'stepwell:envelopes', envelopes, blobs })
      outbox.open(send, generations)
      blobReads.attach((id) => say(port, { type: 'stepwell:read-blob', id }))
      assignments.announce()
      break
    }
    case 'assign':
      assignments.start(message.assignment, jobs)
      break
    case 'resume':
      assignments.resume(message.runId, message)
      break
    case 'resolved':
      assignments.resolved(message.runId, message.generation, message.step)
      break
    case 'network':
      onNetwork(message.isOnline)
      break
    case 'ack':
      outbox.acked(message.seqs)
      break
    case 'abort':
      assignments.abort(message.runId, message.generation, message.reason)
      break
    case 'refused':
      assignments.refuse(message.seq, message.runId, message.reason)
      break
    case 'blob':
      blobReads.answered(message)
      break
    case 'unstorable':
      outbox.unstorable(message.seq, fromErrorInfo(message.error))
      break
  }
}
