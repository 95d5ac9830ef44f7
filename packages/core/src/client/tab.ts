/**
 * This tab's connection to the engine of one database, shared by all clients of the page.
 *
 * | phase       | on …                                       | becomes                                 |
 * |-------------|--------------------------------------------|-----------------------------------------|
 * | `idle`      | `connect`                                  | `joining`, `failed` (no OPFS, …)        |
 * | `joining`   | the seat is granted / taken                | `opening` / `following`                 |
 * | `following` | the seat is granted                        | `opening`, or `following` for another's |
 * | `opening`   | opened / failed to open                    | `ready` / `failed`                      |
 * | `ready`     | the engine is lost (crash, silence)        | `opening`; `failed` the 3rd time        |
 * | `ready`     | another tab is to lead                     | `joining`                               |
 * | `failed`    | time has passed (busy files only)          | `opening`                               |
 * | any         | the page is closed, cached, frozen         | `away`                                  |
 * | any         | it is hidden where hidden pages are stopped | `leaving`, then `away`                  |
 * | `away`      | the page is shown again                    | `joining`                               |
 * | any         | the seat is lost                           | `joining`                               |
 * | any         | `shutDown`                                 | `over`                                  |
 */

import type { NewBlob, Serializer } from '../codec/codec.js'
import type { ReplyTo } from '../connection.js'
import { fromErrorInfo, StepwellError } from '../errors.js'
import type { BlobId, Command, EngineStatus, RunEvent } from '../generated/protocol.js'
import type { AnyJob } from '../infer.js'
import { randomId } from '../random-id.js'
import type { StepwellStatus, StorageLoss } from '../types.js'
import type { Durability, Limits, StorageMode } from '../wire.js'
import { createCalls } from './calls.js'
import { createCell, createEmitter, type Emitter } from './emitter.js'
import { DRAIN_MS, spawnEngineWorker } from './engine.js'
import { pageObstacle } from './environment.js'
import type { StepwellEngineEvent } from './events.js'
import { type Following, follow } from './following.js'
import { initialStatus } from './initial-status.js'
import { createLeading, storageState } from './leading.js'
import { isPageVisible, listenToPage, suspendsHiddenPages } from './page.js'
import * as refusals from './refusals.js'
import { openSizeMaxOf } from './requests.js'
import { type ExportAsk, needsRescue, rescue } from './rescue.js'
import { announceUnavailable, type Seat, takeSeat } from './seat.js'
import { createStandby } from './standby.js'
import { watchStorage } from './storage-state.js'
import type { TransferAsk } from './transfers.js'
import { createWatch } from './watch.js'

/** An engine that owes an answer and is silent for so long hangs. */
const SILENT_ENGINE_S = 10
/** A leader that is silent for so long is asked whether it still knows this tab. */
const SILENT_LEADER_S = 10
/** Then there is none. */
const NO_LEADER_S = 30
const STATUS = { type: 'getStatus' } as const
/** A page that runs jobs itself runs them slowly while it is hidden. */
const HIDDEN_MS = 30_000

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
  exportDatabase(ask: ExportAsk, owner: object): Promise<Uint8Array<ArrayBuffer>>
  /** What is open is rejected; with `outcome_unknown` where it may have been carried out. */
  rejectOf(owner: object, error: StepwellError): void
  onEvents(listener: (events: readonly RunEvent[]) => void): () => void
  onEngineEvent(listener: (event: StepwellEngineEvent) => void): () => void
  onReset(listener: () => void): () => void
  onStatus(listener: () => void): () => void
  status(): StepwellStatus
  persist(): Promise<boolean>
  /** @param isOtherCode whether workers of the jobs would run other code if they were started now. */
  jobsChanged(isOtherCode: boolean): void
  /** What jobs get as `step.context`: already a copy. */
  setContext(value: unknown): void
  /** For tests: `panic` inside the engine, `terminate` its worker, or end the executor of that index. */
  crash(what: 'panic' | 'terminate' | number): void
  shutDown(): Promise<void>
}

type Phase =
  | 'idle'
  | 'joining'
  | 'following'
  | 'opening'
  | 'ready'
  | 'failed'
  | 'leaving'
  | 'away'
  | 'over'

export function createTab(config: TabConfig): Tab {
  const clientId = randomId()
  const isMemory = config.storage === 'memory'
  const locks = isMemory ? undefined : globalThis.navigator?.locks
  const calls = createCalls(openSizeMaxOf(config.limits.payloadBytes))
  const status = createCell(initialStatus(config.durability))
  const events: Emitter<readonly RunEvent[]> = createEmitter()
  const engineEvents: Emitter<StepwellEngineEvent> = createEmitter()
  const resets: Emitter<void> = createEmitter()
  let phase: Phase = 'idle'
  let seat: Seat | null = null
  let following: Following | null = null
  /** The seat is for another tab: granted once, it is passed on. */
  let passesOn = false
  /** What every request is answered for now. */
  let failure: StepwellError | null = null
  let executorError: StepwellError | null = null
  let outdated: StepwellError | null = null
  let hiddenTimer: ReturnType<typeof setInterval> | undefined
  let stopListening: () => void = () => undefined

  const update = (patch: Partial<StepwellStatus>) => {
    const before = status.get()
    const after = { ...before, ...patch, error: failure ?? executorError ?? outdated }
    status.set(after)
    const timestamp = Date.now()
    if (after.role !== before.role) {
      engineEvents.emit({ type: 'engine:leader', timestamp, role: after.role })
    }
    const { storage, loss } = after
    if (storage !== before.storage || loss !== before.loss) {
      engineEvents.emit({ type: 'engine:storage', timestamp, storage, loss })
    }
    storageWatch.changed(before, after)
  }
  const storageWatch = watchStorage(config.storage, status.get, update)
  const report = (error: StepwellError) => {
    engineEvents.emit({ type: 'engine:error', timestamp: Date.now(), error })
  }
  /** Nobody answers, and commands are refused until somebody does again. */
  const refuse = (error: StepwellError, role: StepwellStatus['role']) => {
    watch.stop()
    calls.detach()
    failure = error
    calls.rejectAll(error)
    update({ state: 'unavailable', role, storage: 'unavailable', epoch: null })
    report(error)
  }
  /** Somebody answers from now on. */
  const ready = (patch: Partial<StepwellStatus>) => {
    failure = null
    update({ state: 'ready', ...patch })
    resets.emit()
    if (calls.isWaiting) watch.start()
  }
  /** What was told before stays true, and keeps its reference. */
  const lossOf = (told: StorageLoss | null): StorageLoss | null => {
    const { loss } = status.get()
    if (told === null || told.at === loss?.at) return loss
    if (told.kind === 'damaged') report(new StepwellError('storage_corrupt', told.message))
    return told
  }
  /** Nobody answers for now: what is asked is kept. */
  const wait = (role: StepwellStatus['role']) => {
    calls.detach()
    failure = null
    update({ state: 'connecting', role, epoch: null })
  }
  const onEvents = (batch: readonly RunEvent[], engine: EngineStatus | null) => {
    if (batch.length > 0) events.emit(batch)
    if (engine !== null) update(told(engine))
  }
  const onClock = (from: number, to: number) =>
    engineEvents.emit({ type: 'engine:clock', timestamp: Date.now(), from, to })

  const leading = createLeading(config, clientId, locks, {
    onOpening() {
      phase = 'opening'
      wait(isMemory ? 'none' : 'leader')
    },
    onReady(epoch, storage, loss) {
      phase = 'ready'
      calls.attach(leading.ask)
      ready({ storage, loss: lossOf(loss), epoch, paused: null, unservedJobs: [] })
    },
    onFailed(error, isTriedAgain) {
      phase = 'failed'
      if (!isTriedAgain) leaveSeat()
      refuse(error, isTriedAgain && !isMemory ? 'leader' : 'none')
      if (isTriedAgain) announceUnavailable(config.database, error)
    },
    onReplaced: calls.recall,
    onHandedOver() {
      leaveSeat()
      join()
    },
    onOutdated(buildId) {
      outdated = refusals.outdated(buildId)
      update({})
      report(outdated)
    },
    onReplies: calls.replied,
    onEvents,
    onAnswer: calls.answered,
    onClock,
    onSign: () => watch.heard(),
    onExecutorDown(error) {
      if (error === executorError) return
      executorError = error
      update({})
    },
    onError: report,
  })
  const standby =
    config.standby && locks !== undefined
      ? createStandby({
          database: config.database,
          locks,
          spawn: () => spawnEngineWorker(config.engineWorker()),
          wasmUrl: config.wasmUrl,
        })
      : null
  const watch = createWatch(
    () => calls.isWaiting,
    (seconds) => {
      if (phase === 'ready' && seconds >= SILENT_ENGINE_S) {
        watch.stop()
        leading.lose(`The engine worker did not answer for ${SILENT_ENGINE_S} s.`)
      }
      if (phase !== 'following') return
      if (seconds % SILENT_LEADER_S === 0) following?.knock()
      if (seconds >= NO_LEADER_S) refuse(refusals.noLeader(config.database), 'follower')
    },
  )

  const leaveSeat = () => {
    seat?.leave()
    seat = null
  }
  const stopFollowing = () => {
    following?.stop()
    following = null
    standby?.stop()
  }
  /** Another tab has the seat. */
  const startFollowing = (lockManager: LockManager) => {
    phase = 'following'
    wait('follower')
    standby?.start()
    const { database } = config
    const options = { database, clientId, locks: lockManager, isVisible: isPageVisible }
    const line = follow(
      { ...options, jobs: () => [...config.jobs().keys()] },
      {
        onWelcome({ epoch, persisted, loss, status: engine }) {
          passesOn = false
          calls.attach(line.ask)
          const storage = storageState(persisted)
          ready({ role: 'follower', storage, loss: lossOf(loss), epoch, ...told(engine) })
        },
        onReleased(next) {
          passesOn = next !== null && next !== clientId
          wait('follower')
        },
        onOtherBuild: (buildId) => refuse(refusals.otherBuild(buildId), 'follower'),
        onUnavailable: (error) => refuse(fromErrorInfo(error), 'follower'),
        onReplies: calls.replied,
        onEvents,
        onAnswer: calls.answered,
        onClock,
        onSign: () => watch.heard(),
      },
    )
    following = line
  }
  const join = () => {
    phase = 'joining'
    outdated = null
    wait('none')
    if (locks === undefined) return leading.open(null)
    queueForSeat(locks)
  }
  const queueForSeat = (lockManager: LockManager) => {
    seat = takeSeat(lockManager, config.database, {
      onGranted() {
        if (passesOn) {
          passesOn = false
          leaveSeat()
          return queueForSeat(lockManager)
        }
        const worker = standby?.take() ?? null
        stopFollowing()
        leading.open(worker)
      },
      onQueued() {
        if (following === null) startFollowing(lockManager)
      },
      // Its answer, or that there is none, says whether the engine worker hangs.
      onWaiting() {
        if (phase === 'ready') void asked(() => calls.request(STATUS, seat ?? {}, [])).catch(ignore)
      },
      onLost() {
        report(refusals.seatLost())
        leading.stop()
        join()
      },
      onError: (reason) => refuseSeat(refusals.noSeat(reason)),
    })
  }
  const refuseSeat = (error: StepwellError) => {
    phase = 'failed'
    stopFollowing()
    refuse(error, 'none')
  }
  const goAway = () => {
    phase = 'away'
    watch.stop()
    leaveSeat()
    wait('none')
  }
  /** The page may be gone in a moment, or stand still: nothing that it holds may block other tabs. */
  const leave = async (how: 'closed' | 'cached' | 'suspended') => {
    if (phase === 'failed' && seat === null) return
    // Memory blocks nobody, and would be lost.
    if (isMemory || phase === 'away' || phase === 'leaving') return
    stopFollowing()
    if (how === 'cached') leading.abandon()
    if (how !== 'suspended') {
      void leading.release(0)
      return goAway()
    }
    phase = 'leaving'
    wait('none')
    await leading.release(DRAIN_MS)
    if (phase !== 'leaving') return
    goAway()
    if (isPageVisible()) join()
  }
  /** Where jobs run in the page, they had better run in one that is seen. */
  const onVisibility = (isVisible: boolean) => {
    following?.join()
    clearInterval(hiddenTimer)
    if (isVisible || isMemory || config.worker() !== undefined) return
    hiddenTimer = setInterval(() => leading.yieldToVisible(), HIDDEN_MS)
  }
  /** Rejects at once where nobody will answer. */
  const asked = <T>(ask: () => Promise<T>): Promise<T> => {
    if (failure !== null) return Promise.reject(failure)
    const answer = ask()
    watch.start()
    return answer
  }

  return {
    connect() {
      if (phase !== 'idle') return
      const obstacle = pageObstacle(config.storage)
      if (obstacle !== null) return refuseSeat(obstacle)
      stopListening = listenToPage({
        onHide: (how) => void leave(how),
        onShow() {
          if (phase === 'away') join()
        },
        onVisibility,
        onTick: leading.tick,
        onNetwork: leading.setOnline,
      })
      // It is stopped where it stands, and joins when it is shown.
      if (suspendsHiddenPages() && !isPageVisible()) return goAway()
      join()
    },
    request: (command, owner, blobs) => asked(() => calls.request(command, owner, blobs)),
    readBlob: (id) => asked(() => calls.readBlob(id)),
    transfer: (ask, owner) => asked(() => calls.transfer(ask, owner)),
    exportDatabase(ask, owner) {
      if (needsRescue(ask, failure)) return rescue(config, ask)
      const { blobs } = ask
      return asked(() => calls.transfer({ type: 'stepwell:export', blobs }, owner))
    },
    rejectOf: calls.rejectOf,
    onEvents: (listener) => events.on(listener),
    onEngineEvent: (listener) => engineEvents.on(listener),
    onReset: (listener) => resets.on(listener),
    onStatus: (listener) => status.subscribe(listener),
    status: () => status.get(),
    persist: () => storageWatch.persist(),
    jobsChanged(isOtherCode) {
      leading.jobsChanged(isOtherCode)
      following?.join()
    },
    setContext: leading.setContext,
    crash(what) {
      if (what === 'terminate') leading.lose('The engine worker was terminated for a test.')
      else leading.crash(what)
    },
    async shutDown() {
      phase = 'over'
      failure = refusals.closed()
      stopListening()
      storageWatch.stop()
      clearInterval(hiddenTimer)
      watch.stop()
      calls.detach()
      calls.rejectAll(refusals.closed())
      stopFollowing()
      await leading.release(DRAIN_MS)
      leaveSeat()
    },
  }
}

/** A silent engine is ended by the watch. */
function ignore(): void {}

/** What the engine says of itself. */
function told({ paused, unservedJobs }: EngineStatus): Partial<StepwellStatus> {
  return { paused: paused ?? null, unservedJobs }
}
