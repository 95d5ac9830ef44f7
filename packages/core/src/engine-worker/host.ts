/**
 * The engine's host: carries messages between the clients, the executors and the engine. It decides nothing about runs.
 *
 * | state      | on …                                       | becomes    |
 * |------------|--------------------------------------------|------------|
 * | `new`      | `stepwell:open`                            | `opening`  |
 * | `opening`  | the engine is open                         | `open`     |
 * | `opening`  | it cannot be opened, or a release          | `closed`   |
 * | `open`     | a release, a hand-over                     | `draining` |
 * | `draining` | nothing runs any more, or time has passed  | `closed`   |
 * | `open`     | another database came in, the lock is lost | `closed`   |
 * | any        | the wasm panicked                          | `lost`     |
 *
 * `closed` and `lost` are final: the page terminates the worker.
 */
import { isStepwellError } from '../errors.js'
import type {
  BlobId,
  ClientId,
  EngineMessage,
  ErrorInfo,
  ExecutorId,
  Input,
  Output,
} from '../generated/protocol.js'
import type { FromEngineWorker, OpenEngine, ToEngineWorker } from '../wire.js'
import { createAudience } from './audience.js'
import { createBatch } from './batch.js'
import { type Blobs, createBlobs } from './blobs/blobs.js'
import { createOpfsBlobs } from './blobs/opfs.js'
import { type BlobStore, createMemoryBlobs } from './blobs/store.js'
import { largeFile } from './database-file.js'
import { obstacle } from './environment.js'
import { createExecutors, type Executors } from './executors.js'
import { createIdle } from './idle.js'
import { directoryOf, type EngineInstance, loadEngine } from './instance.js'
import { createIntake, type Intake } from './intake.js'
import { type Leadership, lead } from './leadership.js'
import { isToEngineWorker } from './messages.js'
import { type OpenDatabase, openDatabase } from './opening.js'
import { markSuspect } from './quarantine.js'
import { rehearse } from './rehearsal.js'
import { rescue } from './rescue.js'
import { createTransfers } from './transfers.js'

/** How long runs have to come to an end before another tab takes over. */
const DRAIN_MS = 1_000

export interface Host {
  readonly receive: (data: unknown) => void
  /** Something threw where nobody caught it. */
  readonly crashed: (error: unknown) => void
}

type Post = (message: FromEngineWorker) => void

/** How an orderly release ends. */
interface Release {
  /** Who should lead next; `null`: whoever comes first. */
  readonly next: ClientId | null
  readonly said: 'released' | 'handed-over'
}

export function createHost(post: Post): Host {
  let state: 'new' | 'opening' | 'open' | 'draining' | 'closed' | 'lost' = 'new'
  let lostBy = ''
  let request: OpenEngine | null = null
  let database: OpenDatabase | null = null
  let executors: Executors | null = null
  let blobs: Blobs | null = null
  let intake: Intake | null = null
  let leadership: Leadership | null = null
  let finishDraining: () => void = () => undefined
  const withdrawal = new AbortController()
  const batch = createBatch()
  const pageId = () => request?.clientId ?? ''
  const audience = createAudience(post, pageId)

  const isOpen = () => state === 'open' || state === 'draining'
  const endWork = (as: 'closed' | 'lost') => {
    state = as
    withdrawal.abort()
    batch.stop()
    idle.stop()
    executors?.close()
    // What was committed is told before the end is.
    guarded(audience.flush)
  }
  const end = (as: 'closed' | 'lost') => {
    endWork(as)
    blobs?.close()
  }
  /** The instance is lost: not even its `close` may be called. The page terminates this worker, which frees the rest. */
  const lose = (error: unknown) => {
    if (state === 'lost') return
    lostBy = error instanceof Error ? error.message : String(error)
    end('lost')
    leadership?.close()
    post({ type: 'fatal', message: lostBy })
  }
  /** The next engine looks at all of the database before it uses it. */
  const suspect = async (message: string) => {
    if (request?.storage !== 'opfs') return
    await markSuspect(request.database).catch(() => undefined)
    lose(message)
  }
  const guarded = (call: () => void) => {
    try {
      call()
    } catch (error) {
      lose(error)
    }
  }
  const close = ({ next, said }: Release = { next: null, said: 'released' }) => {
    if (state === 'closed' || state === 'lost') return
    const wasOpening = state === 'opening'
    end('closed')
    // Where handles may be opening just now, whoever opens them closes them and says so.
    if (wasOpening) return
    guarded(() => {
      database?.close()
      leadership?.tellReleased(next)
      post({ type: said })
    })
  }
  const release = (drainMs: number, how?: Release) => {
    if (state === 'draining') return
    if (state !== 'open') return close(how)
    state = 'draining'
    const finish = () => {
      finishDraining = () => undefined
      clearTimeout(timer)
      batch.push({ type: 'release' })
      batch.flushAll()
      close(how)
    }
    const timer = setTimeout(finish, drainMs)
    finishDraining = finish
    batch.push({ type: 'drain' })
    batch.flushAll()
    if (drainMs === 0) finish()
  }
  /** What still comes from it is ignored from now on; when it is dead, the engine is told. */
  const terminate = (executorId: ExecutorId) => {
    executors?.disown(executorId)
    post({ type: 'executor-hung', executorId })
  }
  /** After the commit: executors first, for a step waits for its acknowledgement; then the clients. */
  const deliver = (output: Output) => {
    for (const [executorId, messages] of messagesByExecutor(output)) {
      executors?.send(executorId, messages)
    }
    for (const effect of output.effects) {
      if (effect.type === 'deleteBlobs') blobs?.delete(effect.ids)
      else if (effect.type === 'terminateExecutor') terminate(effect.executorId)
    }
    const { replies, events, status = null } = output
    audience.tell(replies, events, status)
    intake?.answered(replies)
    if (status !== null) leadership?.setStatus(status)
    if (status?.paused?.code === 'storage_corrupt') void suspect(status.paused.message)
  }
  const unreferenced = (ids: BlobId[]): BlobId[] => {
    let found: BlobId[] = []
    guarded(() => {
      if (isOpen()) found = database?.engine.unreferencedBlobs(ids) ?? []
    })
    return found
  }
  /** What stands in the way of storing blobs stands in the way of the engine: it is told as the engine's own state. */
  const onPaused = (error: ErrorInfo | null) =>
    guarded(() => {
      if (database === null || !isOpen()) return
      const status = database.engine.status()
      audience.tell([], [], { ...status, paused: error ?? status.paused })
    })
  const answerRead = async (clientId: ClientId, id: BlobId) => {
    const blob = (await blobs?.read(id).catch(() => null)) ?? null
    audience.answer(clientId, { type: 'blob', id, blob })
  }
  const handle = (engine: EngineInstance, inputs: readonly Input[]): Output => {
    const output = engine.handle(inputs)
    deliver(output)
    const jump = engine.takeClockJump()
    if (jump !== undefined) audience.tellClock(jump.from, jump.to)
    return output
  }
  /** A piece of what has no hurry: runs past their retention first, then the room that they took. */
  const upkeep = () => {
    let hasMore = false
    guarded(() => {
      if (database === null) return
      if (batch.isHeld()) {
        hasMore = true
        return
      }
      const { engine } = database
      hasMore = handle(engine, [{ type: 'upkeep' }]).moreUpkeep || engine.maintain()
    })
    return hasMore
  }
  const idle = createIdle(upkeep)
  const transfers = createTransfers({
    settled() {
      batch.flushAll()
      return isOpen() ? database : null
    },
    hold: batch.hold,
    current: () => (isOpen() ? database : null),
    largeFile: async () => (request?.storage === 'opfs' ? largeFile(request.database) : null),
    blobs: () => blobs,
    answer: audience.answer,
    lose,
    onImported: () => endWork('closed'),
    onEnd: (clientId, requestId, error) =>
      guarded(() => {
        blobs?.close()
        database?.close()
        // The page must know in any case, for it starts the next engine.
        const imported = { type: 'imported' as const, requestId, error }
        if (clientId !== pageId()) audience.answer(clientId, imported)
        leadership?.close()
        post(imported)
      }),
  })
  const flush = (inputs: readonly Input[]) =>
    guarded(() => {
      if (database === null) return
      const { engine } = database
      handle(engine, inputs)
      idle.touch()
      if (state === 'open') leadership?.consider()
      else if (state === 'draining' && engine.activeRuns() === 0) finishDraining()
    })
  const onOpened = (opened: OpenDatabase, { retentionMs, jobs, ...open }: OpenEngine) => {
    if (state !== 'opening') {
      opened.close()
      post({ type: 'released' })
      return
    }
    const { engine, persisted, loss } = opened
    database = opened
    state = 'open'
    post({ type: 'opened', epoch: engine.epoch(), persisted, loss })
    // What is in memory belongs to this tab alone.
    if (persisted !== null) {
      leadership = lead({
        database: open.database,
        engine,
        persisted,
        loss,
        jobs,
        audience,
        push: (clientId, requests, news) => intake?.add(clientId, requests, news),
        onRead: (clientId, id) => void answerRead(clientId, id),
        onTransfer: (clientId, transfer) => void transfers.run(clientId, transfer),
        onHandOver: (next) => release(DRAIN_MS, { next, said: 'handed-over' }),
        onOutdated: (buildId) => post({ type: 'outdated', buildId }),
        guarded,
      })
    }
    deliver(engine.takeInitialOutput())
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
  const onOpen = (open: OpenEngine) => {
    // While it was kept ready, nobody listened.
    if (state === 'lost') return post({ type: 'fatal', message: lostBy })
    if (state !== 'new') return
    state = 'opening'
    request = open
    const error = obstacle(open)
    if (error !== null) {
      end('closed')
      post({ type: 'open-failed', error })
      return
    }
    const locks = open.storage === 'memory' ? undefined : navigator.locks
    const stored = createBlobs({
      store: blobStoreFor(open),
      unreferenced,
      onAlive: audience.tellAlive,
    })
    blobs = stored
    intake = createIntake({
      blobs: stored,
      push: batch.push,
      answer: (reply) => audience.tell([reply], [], null),
    })
    executors = createExecutors({
      blobs: stored,
      onPaused,
      database: open.database,
      locks,
      push: batch.push,
      message: batch.message,
      onGone: (executorId) => post({ type: 'executor-gone', executorId }),
    })
    const onWake = () => batch.pushLater({ type: 'tick' })
    const options = { request: open, signal: withdrawal.signal, onWake, onLost: () => close() }
    openDatabase(options)
      .then((opened) => onOpened(opened, open))
      .catch(onOpenFailed)
  }
  /** What goes wrong here goes wrong again when it matters, and is told then. */
  const prepare = async (wasmUrl: string | null) => {
    try {
      await loadEngine(wasmUrl)
      if (state === 'new') await rehearse()
    } catch {}
  }
  const onMessage = (message: ToEngineWorker) => {
    switch (message.type) {
      case 'stepwell:open':
        return onOpen(message)
      case 'stepwell:executor':
        return executors?.add(message.executorId, message.port)
      case 'stepwell:replace-executor':
        executors?.disown(message.executorId)
        return batch.push({ type: 'replaceExecutor', executorId: message.executorId })
      case 'stepwell:requests': {
        const news = new Map(message.blobs.map(({ id, blob }) => [id, blob]))
        return intake?.add(pageId(), message.requests, news)
      }
      case 'stepwell:read-blob':
        return void answerRead(pageId(), message.id)
      case 'stepwell:export':
      case 'stepwell:import':
        return void transfers.run(pageId(), message)
      case 'stepwell:rescue':
        return void rescue(message).then(post)
      case 'stepwell:network':
        return batch.push({ type: 'network', isOnline: message.isOnline })
      case 'stepwell:prepare':
        return void prepare(message.wasmUrl)
      case 'stepwell:jobs':
        return leadership?.setJobs(message.jobs)
      case 'stepwell:tick':
        return batch.push({ type: 'tick' })
      case 'stepwell:yield':
        return guarded(() => leadership?.yieldToVisible())
      case 'stepwell:release':
        return release(message.drainMs)
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
