/**
 * This tab's connection to the engine of one database, shared by all clients of the page.
 *
 * | phase       | on …                                   | becomes                          |
 * |-------------|----------------------------------------|----------------------------------|
 * | `idle`      | `connect`                              | `joining`, `failed` (no OPFS, …) |
 * | `joining`   | the seat is granted / taken            | `opening` / `following`          |
 * | `following` | the seat is granted                    | `opening`                        |
 * | `opening`   | opened / failed to open                | `ready` / `failed`               |
 * | `ready`     | the engine is lost (crash, silence)    | `opening`; `failed` the 3rd time |
 * | `failed`    | time has passed (busy files only)      | `opening`                        |
 * | any         | the page is hidden for good or kept    | `away`                           |
 * | `away`      | the page is shown again                | `joining`                        |
 * | any         | the seat is lost                       | `joining`                        |
 * | any         | `shutDown`                             | `over`                           |
 */

import { createBlobReads } from '../blob-reads.js'
import type { NewBlob, Serializer } from '../codec/codec.js'
import type { ReplyTo } from '../connection.js'
import { fromErrorInfo, type StepwellError } from '../errors.js'
import type { BlobId, Command, RunEvent } from '../generated/protocol.js'
import type { AnyJob } from '../infer.js'
import { randomId } from '../random-id.js'
import type { StepwellStatus, StorageState } from '../types.js'
import {
  BUILD_ID,
  type Durability,
  type FromEngineWorker,
  type Limits,
  type StorageMode,
} from '../wire.js'
import { createCell, createEmitter, type Emitter } from './emitter.js'
import { type EngineProcess, startEngine } from './engine.js'
import { pageObstacle } from './environment.js'
import type { StepwellEngineEvent } from './events.js'
import { createExecutorHost } from './executor-host.js'
import { createFaults, faultedError } from './faults.js'
import { listenToPage } from './page.js'
import * as refusals from './refusals.js'
import { createRequests, openSizeMaxOf } from './requests.js'
import { type Seat, takeSeat } from './seat.js'
import { createTransfers, type TransferAsk } from './transfers.js'
import { createWatch } from './watch.js'

const REOPEN_MS_MIN = 1000
const REOPEN_MS_MAX = 30_000

export interface TabConfig {
  readonly database: string
  readonly durability: Durability
  readonly storage: StorageMode
  readonly concurrency: number
  readonly executors: number
  readonly limits: Limits
  readonly retentionMs: number | null
  /** Whether an engine worker is kept ready while another tab leads. */
  readonly standby: boolean
  /** Asked at each use, like `jobs` and `context`: hot reload changes them. */
  readonly worker: () => (() => Worker) | undefined
  readonly engineWorker: () => (() => Worker) | undefined
  readonly wasmUrl: () => string | null
  readonly context: () => (() => unknown) | undefined
  readonly jobs: () => ReadonlyMap<string, AnyJob>
  readonly serializer: () => Serializer | undefined
}

export interface Tab {
  connect(): void
  /** @param owner whose request it is, for `rejectOf`. */
  request<C extends Command>(
    command: C,
    owner: object,
    blobs: readonly NewBlob[],
  ): Promise<ReplyTo<C>>
  readBlob(id: BlobId): Promise<Blob | null>
  transfer(ask: TransferAsk, owner: object): Promise<Uint8Array<ArrayBuffer>>
  rejectOf(owner: object, errorFor: (wasSent: boolean) => StepwellError): void
  onEvents(listener: (events: readonly RunEvent[]) => void): () => void
  onEngineEvent(listener: (event: StepwellEngineEvent) => void): () => void
  onReset(listener: () => void): () => void
  onStatus(listener: () => void): () => void
  status(): StepwellStatus
  jobsChanged(): void
  /** What jobs get as `step.context`: already a copy. */
  setContext(value: unknown): void
  /** For tests: `panic` inside the engine, `terminate` its worker, or end the executor of that index. */
  crash(what: 'panic' | 'terminate' | number): void
  shutDown(): Promise<void>
}

type Phase = 'idle' | 'joining' | 'following' | 'opening' | 'ready' | 'failed' | 'away' | 'over'

export function createTab(config: TabConfig): Tab {
  const clientId = randomId()
  const isMemory = config.storage === 'memory'
  const locks = isMemory ? undefined : globalThis.navigator?.locks
  const requests = createRequests(openSizeMaxOf(config.limits.payloadBytes))
  const blobReads = createBlobReads()
  const transfers = createTransfers()
  const faults = createFaults()
  const status = createCell(initialStatus(config.durability))
  const events: Emitter<readonly RunEvent[]> = createEmitter()
  const engineEvents: Emitter<StepwellEngineEvent> = createEmitter()
  const resets: Emitter<void> = createEmitter()
  let phase: Phase = 'idle'
  let seat: Seat | null = null
  let engine: EngineProcess | null = null
  /** What every request is answered for now. */
  let failure: StepwellError | null = null
  let executorError: StepwellError | null = null
  let reopenTimer: ReturnType<typeof setTimeout> | undefined
  let reopenMs = REOPEN_MS_MIN
  let stopListening: () => void = () => undefined

  const update = (patch: Partial<StepwellStatus>) => {
    const before = status.get()
    const after = { ...before, ...patch, error: failure ?? executorError }
    status.set(after)
    const timestamp = Date.now()
    if (after.role !== before.role) {
      engineEvents.emit({ type: 'engine:leader', timestamp, role: after.role })
    }
    if (after.storage !== before.storage) {
      engineEvents.emit({ type: 'engine:storage', timestamp, storage: after.storage })
    }
  }
  const report = (error: StepwellError) => {
    engineEvents.emit({ type: 'engine:error', timestamp: Date.now(), error })
  }
  const executors = createExecutorHost({
    database: config.database,
    executors: config.executors,
    slots: config.concurrency,
    limits: config.limits,
    serializer: config.serializer,
    jobs: config.jobs,
    worker: config.worker,
    context: config.context,
    locks,
    onError: report,
    onDown(error) {
      if (error === executorError) return
      executorError = error
      update({})
    },
  })
  const watch = createWatch(
    () => (requests.isWaiting || blobReads.isWaiting) && !transfers.isWaiting,
    () => lost('The engine worker did not answer for 10 s.'),
  )

  /** Ends the engine worker at once, and what belongs to it. */
  const dropEngine = () => {
    clearTimeout(reopenTimer)
    watch.stop()
    requests.detach()
    blobReads.detach()
    transfers.detach()
    engine?.terminate()
    engine = null
  }
  const leaveSeat = () => {
    seat?.leave()
    seat = null
  }
  /** Nothing works until somebody reloads, or until a timer set afterwards opens again. */
  const fail = (error: StepwellError, keepsSeat: boolean) => {
    dropEngine()
    executors.stop()
    if (!keepsSeat) leaveSeat()
    phase = 'failed'
    failure = error
    requests.rejectAll((wasSent) => (wasSent ? refusals.outcomeUnknown(error) : error))
    blobReads.rejectAll(error)
    transfers.rejectAll((wasSent) => (wasSent ? refusals.outcomeUnknown(error) : error))
    const role = keepsSeat && !isMemory ? 'leader' : 'none'
    update({ state: 'unavailable', role, storage: 'unavailable', epoch: null })
    report(error)
  }

  const open = () => {
    phase = 'opening'
    failure = null
    update({ state: 'connecting', role: isMemory ? 'none' : 'leader' })
    const { database, durability, storage, limits, retentionMs } = config
    const started = startEngine(
      {
        type: 'stepwell:open',
        buildId: BUILD_ID,
        database,
        durability,
        storage,
        expectedExecutors: config.executors,
        payloadBytesMax: limits.payloadBytes,
        retentionMs,
        clientId,
        jobs: [...config.jobs().keys()],
        wasmUrl: absoluteUrl(config.wasmUrl()),
      },
      config.engineWorker(),
      { onMessage, onLost: lost },
    )
    engine = started
    started.post({ type: 'stepwell:network', isOnline: navigator.onLine })
    executors.connect(started)
  }
  const lost = (message: string) => {
    dropEngine()
    const error = refusals.engineLost(message)
    if (faults.add(performance.now())) return fail(faultedError(message), false)
    report(error)
    open()
  }
  const onOpened = (epoch: number, storage: StorageState) => {
    phase = 'ready'
    reopenMs = REOPEN_MS_MIN
    update({ state: 'ready', storage, epoch, paused: null, unservedJobs: [] })
    requests.attach((batch, blobs) => {
      engine?.post({ type: 'stepwell:requests', requests: batch, blobs })
      watch.start()
    })
    blobReads.attach((id) => {
      engine?.post({ type: 'stepwell:read-blob', id })
      watch.start()
    })
    transfers.attach((request) => engine?.post(request))
    resets.emit()
  }
  const onOpenFailed = (error: StepwellError) => {
    // Busy files come free: this tab stays first in line. What else is wrong stays wrong for this tab's code, and another
    // tab, perhaps with newer code, should have its try.
    const isBusy = error.code === 'storage_unavailable'
    fail(error, isBusy)
    if (!isBusy) return
    reopenTimer = setTimeout(open, reopenMs)
    reopenMs = Math.min(reopenMs * 2, REOPEN_MS_MAX)
  }
  const onMessage = (message: FromEngineWorker) => {
    watch.heard()
    switch (message.type) {
      case 'opened':
        return onOpened(message.epoch, storageState(message.persisted))
      case 'open-failed':
        return onOpenFailed(fromErrorInfo(message.error))
      case 'alive':
      case 'handed-over':
      case 'outdated':
        return
      case 'blob':
        return blobReads.answered(message)
      case 'exported':
      case 'transfer-failed':
        return transfers.answered(message)
      case 'imported':
        transfers.answered(message)
        transfers.recall()
        dropEngine()
        return open()
      case 'executor-gone':
        return executors.gone(message.executorId)
      case 'executor-hung':
        return executors.hung(message.executorId)
      case 'clock': {
        const { from, to } = message
        return engineEvents.emit({ type: 'engine:clock', timestamp: Date.now(), from, to })
      }
      case 'output': {
        requests.answered(message.replies)
        if (message.events.length > 0) events.emit(message.events)
        if (message.status === null) return
        const { paused = null, unservedJobs } = message.status
        return update({ paused, unservedJobs })
      }
    }
  }

  const follow = () => {
    phase = 'following'
    failure = refusals.notLeader(config.database)
    const error = failure
    requests.rejectAll((wasSent) => (wasSent ? refusals.outcomeUnknown(error) : error))
    blobReads.rejectAll(error)
    transfers.rejectAll((wasSent) => (wasSent ? refusals.outcomeUnknown(error) : error))
    update({ state: 'unavailable', role: 'follower', storage: 'unavailable', epoch: null })
  }
  const join = () => {
    phase = 'joining'
    failure = null
    update({ state: 'connecting', role: 'none', epoch: null })
    if (locks === undefined) return open()
    seat = takeSeat(locks, config.database, {
      onGranted: open,
      onQueued: follow,
      onLost() {
        report(refusals.seatLost())
        dropEngine()
        executors.stop()
        join()
      },
      onError: (reason) => fail(refusals.noSeat(reason), false),
    })
  }
  /** The page may be gone in a moment, or be frozen: nothing that it holds may block other tabs. */
  const leave = (isKept: boolean) => {
    if (phase === 'failed' && seat === null) return
    // Memory blocks nobody, and would be lost.
    if (isMemory || phase === 'away') return
    phase = 'away'
    if (isKept) engine?.post({ type: 'stepwell:release', drainMs: 0 })
    else void engine?.release()
    if (isKept) dropEngine()
    engine = null
    watch.stop()
    requests.detach()
    blobReads.detach()
    transfers.detach()
    clearTimeout(reopenTimer)
    executors.stop()
    leaveSeat()
    failure = null
    update({ state: 'connecting', role: 'none', epoch: null })
  }

  return {
    connect() {
      if (phase !== 'idle') return
      const obstacle = pageObstacle(config.storage)
      if (obstacle !== null) return fail(obstacle, false)
      stopListening = listenToPage({
        onHide: leave,
        onShow() {
          if (phase === 'away') join()
        },
        onTick: () => engine?.post({ type: 'stepwell:tick' }),
        onNetwork: (isOnline) => engine?.post({ type: 'stepwell:network', isOnline }),
      })
      join()
    },
    request(command, owner, blobs) {
      if (failure !== null) return Promise.reject(failure)
      return requests.add(command, owner, blobs)
    },
    readBlob(id) {
      if (failure !== null) return Promise.reject(failure)
      return blobReads.read(id)
    },
    transfer(ask, owner) {
      if (failure !== null) return Promise.reject(failure)
      return transfers.add(ask, owner)
    },
    rejectOf(owner, errorFor) {
      requests.rejectOf(owner, errorFor)
      transfers.rejectOf(owner, errorFor)
    },
    onEvents: (listener) => events.on(listener),
    onEngineEvent: (listener) => engineEvents.on(listener),
    onReset: (listener) => resets.on(listener),
    onStatus: (listener) => status.subscribe(listener),
    status: () => status.get(),
    jobsChanged: () => executors.jobsChanged(),
    setContext: (value) => executors.setContext(value),
    crash(what) {
      if (what === 'panic') engine?.post({ type: 'stepwell:panic' })
      else if (typeof what === 'number') executors.crash(what)
      else if (engine !== null) lost('The engine worker was terminated for a test.')
    },
    async shutDown() {
      const released = engine?.release()
      phase = 'over'
      failure = refusals.closed()
      stopListening()
      clearTimeout(reopenTimer)
      watch.stop()
      requests.detach()
      blobReads.rejectAll(refusals.closed())
      executors.stop()
      await released
      engine = null
      leaveSeat()
    },
  }
}

/** Until the first answer. */
export function initialStatus(durability: Durability): StepwellStatus {
  return Object.freeze({
    state: 'connecting',
    role: 'none',
    storage: 'unavailable',
    quota: null,
    loss: null,
    durability,
    epoch: null,
    paused: null,
    unservedJobs: [],
    error: null,
  })
}

/** A worker would take it as relative to its own module. */
function absoluteUrl(url: string | null): string | null {
  return url === null ? null : new URL(url, document.baseURI).href
}

function storageState(persisted: boolean | null): StorageState {
  if (persisted === null) return 'memory'
  return persisted ? 'persistent' : 'best-effort'
}
