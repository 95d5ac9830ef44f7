/**
 * This tab leads: its engine worker and its executors.
 *
 * | state     | on …                                      | becomes              |
 * |-----------|-------------------------------------------|----------------------|
 * | `closed`  | `open`                                    | `opening`            |
 * | `opening` | opened / failed to open                   | `open` / `failed`    |
 * | `open`    | it crashed, or an import ended it         | `opening`            |
 * | `open`    | it crashed the third time within a minute | `failed`             |
 * | `open`    | another tab is to lead                    | `closed`             |
 * | `failed`  | time has passed (busy files, no room)         | `opening`            |
 * | any       | `stop`, `release`                         | `closed`             |
 */
import { fromErrorInfo, type StepwellError, toStepwellError } from '../errors.js'
import type { ClientReply, EngineStatus, Epoch, RunEvent } from '../generated/protocol.js'
import type { StorageLoss, StorageState } from '../types.js'
import { BUILD_ID, type FromEngineWorker } from '../wire.js'
import type { Ask } from './calls.js'
import { absoluteUrl, type EngineProcess, spawnEngineWorker, startEngine } from './engine.js'
import { createExecutorHost } from './executor-host.js'
import { createFaults, faultedError } from './faults.js'
import { isMarked, mark } from './marker.js'
import * as refusals from './refusals.js'
import type { TabConfig } from './tab.js'
import type { TransferAnswer } from './transfers.js'

const REOPEN_MS_MIN = 1000
const REOPEN_MS_MAX = 30_000

/** What is answered, beside replies. */
export type LeaderAnswer = Extract<FromEngineWorker, { readonly type: 'blob' }> | TransferAnswer

export interface LeadingEvents {
  /** An engine is being opened: nobody answers until `onReady`. */
  onOpening(): void
  /** @param loss what was lost of the database that was here before. */
  onReady(epoch: Epoch, storage: StorageState, loss: StorageLoss | null): void
  /** @param isTriedAgain busy files come free: this tab stays first in line. */
  onFailed(error: StepwellError, isTriedAgain: boolean): void
  /** The database is another one now, and what was not answered was not carried out. */
  onReplaced(): void
  /** Everything is closed here, and another tab is to lead. */
  onHandedOver(): void
  onOutdated(buildId: string): void
  onReplies(replies: readonly ClientReply[]): void
  onEvents(events: readonly RunEvent[], status: EngineStatus | null): void
  onAnswer(answer: LeaderAnswer): void
  onClock(from: number, to: number): void
  /** The engine said something. */
  onSign(): void
  /** Why an executor is missing; `null`: none is. */
  onExecutorDown(error: StepwellError | null): void
  /** Something went wrong that is told to listeners. */
  onError(error: StepwellError): void
}

export interface Leading {
  /** @param ready a worker that was kept ready; `null`: there is none. */
  open(ready: Worker | null): void
  ask(ask: Ask): void
  tick(): void
  setOnline(isOnline: boolean): void
  jobsChanged(isOtherCode: boolean): void
  setContext(value: unknown): void
  /** This page is no good place now: hands over where that harms nothing. */
  yieldToVisible(): void
  /** The engine owes an answer and is silent, or a test ends it. */
  lose(message: string): void
  crash(what: 'panic' | number): void
  readonly isUp: boolean
  /** Ends all of it at once. */
  stop(): void
  /** The page is about to stand still: as `stop`, after a last word that may or may not be heard. */
  abandon(): void
  /** In good order. No event comes after the call. */
  release(drainMs: number): Promise<void>
}

export function createLeading(
  config: TabConfig,
  clientId: string,
  locks: LockManager | undefined,
  events: LeadingEvents,
): Leading {
  const faults = createFaults()
  let engine: EngineProcess | null = null
  let reopenTimer: ReturnType<typeof setTimeout> | undefined
  let reopenMs = REOPEN_MS_MIN
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
    onError: events.onError,
    onDown: events.onExecutorDown,
  })

  const dropEngine = () => {
    clearTimeout(reopenTimer)
    engine?.terminate()
    engine = null
  }
  const stop = () => {
    dropEngine()
    executors.stop()
  }
  const fail = (error: StepwellError, isTriedAgain: boolean) => {
    stop()
    events.onFailed(error, isTriedAgain)
  }
  const open = (ready: Worker | null) => {
    events.onOpening()
    const { database, durability, storage, limits, retentionMs } = config
    try {
      const started = startEngine(
        ready ?? spawnEngineWorker(config.engineWorker()),
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
          jobs: jobNames(config),
          wasmUrl: absoluteUrl(config.wasmUrl()),
          wasOpenedBefore: storage === 'opfs' && isMarked(database),
        },
        { onMessage, onLost: lose },
      )
      engine = started
      started.post({ type: 'stepwell:network', isOnline: navigator.onLine })
      executors.connect(started)
    } catch (reason) {
      fail(toStepwellError(reason), false)
    }
  }
  const lose = (message: string) => {
    dropEngine()
    if (faults.add(performance.now())) return fail(faultedError(message), false)
    events.onError(refusals.engineLost(message))
    open(null)
  }
  const onOpenFailed = (error: StepwellError) => {
    // What is wrong beside busy files and a full disk stays wrong for this tab's code, and another tab, perhaps with newer code, should
    // have its try.
    const isPassing = error.code === 'storage_unavailable' || error.code === 'storage_full'
    fail(error, isPassing)
    if (!isPassing) return
    reopenTimer = setTimeout(() => open(null), reopenMs)
    reopenMs = Math.min(reopenMs * 2, REOPEN_MS_MAX)
  }
  const onMessage = (message: FromEngineWorker) => {
    events.onSign()
    switch (message.type) {
      case 'opened':
        reopenMs = REOPEN_MS_MIN
        if (config.storage === 'opfs') mark(config.database)
        return events.onReady(message.epoch, storageState(message.persisted), message.loss)
      case 'open-failed':
        return onOpenFailed(fromErrorInfo(message.error))
      case 'blob':
      case 'exported':
      case 'transfer-failed':
        return events.onAnswer(message)
      case 'imported':
        events.onAnswer(message)
        events.onReplaced()
        dropEngine()
        return open(null)
      case 'executor-gone':
        return executors.gone(message.executorId)
      case 'executor-hung':
        return executors.hung(message.executorId)
      case 'clock':
        return events.onClock(message.from, message.to)
      case 'output':
        events.onReplies(message.replies)
        return events.onEvents(message.events, message.status)
      case 'handed-over':
        stop()
        return events.onHandedOver()
      case 'outdated':
        return events.onOutdated(message.buildId)
    }
  }
  return {
    open,
    ask: (ask) => engine?.post(ask),
    tick: () => engine?.post({ type: 'stepwell:tick' }),
    setOnline: (isOnline) => engine?.post({ type: 'stepwell:network', isOnline }),
    jobsChanged(isOtherCode) {
      engine?.post({ type: 'stepwell:jobs', jobs: jobNames(config) })
      executors.jobsChanged(isOtherCode)
    },
    setContext: (value) => executors.setContext(value),
    yieldToVisible: () => engine?.post({ type: 'stepwell:yield' }),
    lose(message) {
      if (engine !== null) lose(message)
    },
    crash(what) {
      if (what === 'panic') engine?.post({ type: 'stepwell:panic' })
      else executors.crash(what)
    },
    get isUp() {
      return engine !== null
    },
    stop,
    abandon() {
      engine?.post({ type: 'stepwell:release', drainMs: 0 })
      stop()
    },
    async release(drainMs) {
      clearTimeout(reopenTimer)
      const released = engine?.release(drainMs)
      engine = null
      await released
      executors.stop()
    },
  }
}

function jobNames({ jobs }: TabConfig): string[] {
  return [...jobs().keys()]
}

export function storageState(persisted: boolean | null): StorageState {
  if (persisted === null) return 'memory'
  return persisted ? 'persistent' : 'best-effort'
}
