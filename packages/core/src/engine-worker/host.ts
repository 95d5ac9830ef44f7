/**
 * The engine's host: carries messages between the page, the executors and the engine. It decides nothing about runs.
 *
 * | state     | on …                       | becomes   |
 * |-----------|----------------------------|-----------|
 * | `new`     | `stepwell:open`            | `opening` |
 * | `opening` | the engine is open         | `open`    |
 * | `opening` | it cannot be opened        | `closed`  |
 * | any       | `stepwell:release`         | `closed`  |
 * | `open`    | another database came in   | `closed`  |
 * | `open`    | the lock is lost           | `closed`  |
 * | any       | the wasm panicked          | `lost`    |
 *
 * `closed` and `lost` are final: the page terminates the worker.
 */
import { isStepwellError } from '../errors.js'
import type {
  BlobId,
  ClientReply,
  EngineMessage,
  ErrorInfo,
  ExecutorId,
  Input,
  Output,
} from '../generated/protocol.js'
import type { FromEngineWorker, OpenEngine, ToEngineWorker } from '../wire.js'
import { createBatch } from './batch.js'
import { type Blobs, createBlobs } from './blobs/blobs.js'
import { createOpfsBlobs } from './blobs/opfs.js'
import { type BlobStore, createMemoryBlobs } from './blobs/store.js'
import { obstacle } from './environment.js'
import { createExecutors, type Executors } from './executors.js'
import { createIdle } from './idle.js'
import { directoryOf, type EngineInstance, loadEngine } from './instance.js'
import { createIntake, type Intake } from './intake.js'
import { isToEngineWorker } from './messages.js'
import { type OpenDatabase, openDatabase } from './opening.js'
import { postOutput } from './output.js'
import { createTransfers } from './transfers.js'

export interface Host {
  readonly receive: (data: unknown) => void
  /** Something threw where nobody caught it. */
  readonly crashed: (error: unknown) => void
}

type Post = (message: FromEngineWorker) => void

export function createHost(post: Post): Host {
  let state: 'new' | 'opening' | 'open' | 'closed' | 'lost' = 'new'
  let database: OpenDatabase | null = null
  let executors: Executors | null = null
  let blobs: Blobs | null = null
  let intake: Intake | null = null
  let clientId = ''
  let retentionMs: number | null = null
  const withdrawal = new AbortController()
  const batch = createBatch()

  const endWork = (as: 'closed' | 'lost') => {
    state = as
    withdrawal.abort()
    batch.stop()
    idle.stop()
    executors?.close()
  }
  const end = (as: 'closed' | 'lost') => {
    endWork(as)
    blobs?.close()
  }
  /** The instance is lost: not even its `close` may be called. The page terminates this worker, which frees the rest. */
  const lose = (error: unknown) => {
    if (state === 'lost') return
    end('lost')
    post({ type: 'fatal', message: error instanceof Error ? error.message : String(error) })
  }
  const guarded = (call: () => void) => {
    try {
      call()
    } catch (error) {
      lose(error)
    }
  }
  const close = () => {
    if (state === 'closed' || state === 'lost') return
    const wasOpening = state === 'opening'
    end('closed')
    // Where handles may be opening just now, whoever opens them closes them and says so.
    if (wasOpening) return
    guarded(() => {
      database?.close()
      post({ type: 'released' })
    })
  }
  /** What still comes from it is ignored from now on; when it is dead, the engine is told. */
  const terminate = (executorId: ExecutorId) => {
    executors?.disown(executorId)
    post({ type: 'executor-hung', executorId })
  }
  /** After the commit: executors first, for a step waits for its acknowledgement; then the page. */
  const deliver = (output: Output) => {
    for (const [executorId, messages] of messagesByExecutor(output)) {
      executors?.send(executorId, messages)
    }
    for (const effect of output.effects) {
      if (effect.type === 'deleteBlobs') blobs?.delete(effect.ids)
      else if (effect.type === 'terminateExecutor') terminate(effect.executorId)
    }
    const replies = repliesTo(output, clientId)
    const { events, status = null } = output
    postOutput(post, { replies, events, status })
    intake?.answered(replies)
  }
  const unreferenced = (ids: BlobId[]): BlobId[] => {
    let found: BlobId[] = []
    guarded(() => {
      if (state === 'open') found = database?.engine.unreferencedBlobs(ids) ?? []
    })
    return found
  }
  /** What stands in the way of storing blobs stands in the way of the engine: it is told as the engine's own state. */
  const onPaused = (error: ErrorInfo | null) =>
    guarded(() => {
      if (database === null || state !== 'open') return
      const status = database.engine.status()
      post({
        type: 'output',
        replies: [],
        events: [],
        status: { ...status, paused: error ?? status.paused },
      })
    })
  const answerRead = async (id: BlobId) => {
    const blob = (await blobs?.read(id).catch(() => null)) ?? null
    post({ type: 'blob', id, blob })
  }
  const handle = (engine: EngineInstance, inputs: readonly Input[]): Output => {
    const output = engine.handle(inputs)
    deliver(output)
    const jump = engine.takeClockJump()
    if (jump !== undefined) post({ type: 'clock', ...jump })
    return output
  }
  /** A piece of what has no hurry: runs past their retention first, then the room that they took. */
  const upkeep = () => {
    let hasMore = false
    guarded(() => {
      if (database === null) return
      const { engine } = database
      hasMore = handle(engine, [{ type: 'upkeep' }]).moreUpkeep || engine.maintain()
    })
    return hasMore
  }
  const idle = createIdle(upkeep)
  const transfers = createTransfers({
    settled() {
      batch.flushAll()
      return state === 'open' ? database : null
    },
    blobs: () => blobs,
    post,
    lose,
    onImported: () => endWork('closed'),
    onEnd: (requestId, error) =>
      guarded(() => {
        blobs?.close()
        database?.close()
        post({ type: 'imported', requestId, error })
      }),
  })
  const flush = (inputs: readonly Input[]) =>
    guarded(() => {
      if (database === null) return
      handle(database.engine, inputs)
      idle.touch()
    })
  const onOpened = (opened: OpenDatabase) => {
    if (state !== 'opening') {
      opened.close()
      post({ type: 'released' })
      return
    }
    database = opened
    state = 'open'
    post({ type: 'opened', epoch: opened.engine.epoch(), persisted: opened.persisted })
    deliver(opened.engine.takeInitialOutput())
    batch.start(flush)
    blobs?.sweepLater()
    idle.start(retentionMs)
  }
  const onOpenFailed = (reason: unknown) => {
    if (state === 'closed') {
      post({ type: 'released' })
    } else if (isStepwellError(reason)) {
      end('closed')
      post({ type: 'open-failed', error: { code: reason.code, message: reason.message } })
    } else {
      lose(reason)
    }
  }
  const onOpen = (request: OpenEngine) => {
    if (state !== 'new') return
    state = 'opening'
    clientId = request.clientId
    retentionMs = request.retentionMs
    const error = obstacle(request)
    if (error !== null) {
      end('closed')
      post({ type: 'open-failed', error })
      return
    }
    const locks = request.storage === 'memory' ? undefined : navigator.locks
    const stored = createBlobs({
      store: blobStoreFor(request),
      unreferenced,
      onAlive: () => post({ type: 'alive' }),
    })
    blobs = stored
    intake = createIntake({
      clientId,
      blobs: stored,
      push: batch.push,
      answer: (reply) => post({ type: 'output', replies: [reply], events: [], status: null }),
    })
    executors = createExecutors({
      blobs: stored,
      onPaused,
      database: request.database,
      locks,
      push: batch.push,
      onGone: (executorId) => post({ type: 'executor-gone', executorId }),
    })
    const onWake = () => batch.pushLater({ type: 'tick' })
    const options = { request, signal: withdrawal.signal, onWake, onLost: close }
    openDatabase(options).then(onOpened).catch(onOpenFailed)
  }
  const onMessage = (message: ToEngineWorker) => {
    switch (message.type) {
      case 'stepwell:open':
        return onOpen(message)
      case 'stepwell:executor':
        return executors?.add(message.executorId, message.port)
      case 'stepwell:requests':
        return intake?.add(
          message.requests,
          new Map(message.blobs.map(({ id, blob }) => [id, blob])),
        )
      case 'stepwell:read-blob':
        return void answerRead(message.id)
      case 'stepwell:export':
      case 'stepwell:import':
        return void transfers.run(message)
      case 'stepwell:network':
        return batch.push({ type: 'network', isOnline: message.isOnline })
      case 'stepwell:prepare':
        return void loadEngine(message.wasmUrl).catch(() => undefined)
      case 'stepwell:jobs':
      case 'stepwell:yield':
        return
      case 'stepwell:tick':
        return batch.push({ type: 'tick' })
      case 'stepwell:release':
        batch.push({ type: 'release' })
        batch.flushAll()
        return close()
      case 'stepwell:panic':
        return guarded(() => database?.engine.panic())
    }
  }
  return {
    receive(data) {
      if (isToEngineWorker(data)) onMessage(data)
    },
    crashed: lose,
  }
}

function blobStoreFor({ storage, database, durability }: OpenEngine): BlobStore {
  if (storage === 'memory') return createMemoryBlobs()
  return createOpfsBlobs(directoryOf(database), durability === 'strict')
}

function repliesTo({ replies }: Output, clientId: string): ClientReply[] {
  return replies.filter((addressed) => addressed.clientId === clientId).map(({ reply }) => reply)
}

function messagesByExecutor({ effects }: Output): ReadonlyMap<ExecutorId, EngineMessage[]> {
  const byExecutor = new Map<ExecutorId, EngineMessage[]>()
  for (const effect of effects) {
    if (effect.type !== 'send') continue
    const { executorId, message } = effect
    const messages = byExecutor.get(executorId)
    if (messages === undefined) byExecutor.set(executorId, [message])
    else messages.push(message)
  }
  return byExecutor
}
