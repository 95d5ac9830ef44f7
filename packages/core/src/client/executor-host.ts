/** The tab's executors: workers of the user's, or this page. They outlive engines: each new one gets new ports to them. */
import type { Serializer } from '../codec/codec.js'
import type { StepwellError } from '../errors.js'
import type { ExecutorId } from '../generated/protocol.js'
import type { AnyJob } from '../infer.js'
import type { Limits } from '../wire.js'
import { createContextSource } from './context.js'
import type { EngineProcess } from './engine.js'
import { createPlace, type ExecutorPlace } from './executor-place.js'
import { startInPage, startInWorker } from './executor-start.js'

export interface ExecutorHostOptions {
  readonly database: string
  /** How many there are. More than one are workers. */
  readonly executors: number
  /** How many runs each works on at once. */
  readonly slots: number
  readonly limits: Limits
  readonly jobs: () => ReadonlyMap<string, AnyJob>
  /** That of an executor in the page; a worker has its own, from `serveJobs`. */
  readonly serializer: () => Serializer | undefined
  /** What makes a worker, asked for at each start; `undefined`: jobs run in the page. */
  readonly worker: () => (() => Worker) | undefined
  /** The option `context`, asked for at each use. */
  readonly context: () => (() => unknown) | undefined
  readonly locks: LockManager | undefined
  /** An executor died or cannot be started, or an error of the user's code was not caught. */
  readonly onError: (error: StepwellError) => void
  /** Why an executor is missing; `null`: none is. Comes before `onError` of the same. */
  readonly onDown: (error: StepwellError | null) => void
}

export interface ExecutorHost {
  /** Connects the executors, which are started if need be, to a started engine. */
  connect(engine: EngineProcess): void
  /**
   * The jobs changed: an executor in the page serves the new ones.
   * @param isOtherCode a worker would run other code than the one that runs: it is replaced in good order.
   */
  jobsChanged(isOtherCode: boolean): void
  /** The engine found this executor dead. It is replaced, and the others do not notice. */
  gone(executorId: ExecutorId): void
  /** A function there took too long and did not yield. It is ended and replaced, and the others do not notice. */
  hung(executorId: ExecutorId): void
  /** What runs that start are given, and what running ones see at once. Already a copy. */
  setContext(value: unknown): void
  /** Ends one executor as a crash would, and starts another one. */
  crash(index: number): void
  /** Ends the executors. `connect` starts new ones. */
  stop(): void
}

export function createExecutorHost(options: ExecutorHostOptions): ExecutorHost {
  const { database, slots, limits, onError } = options
  const context = createContextSource(options.context)
  const workers = new Set<Worker>()
  const down = new Map<number, StepwellError>()

  const places = Array.from({ length: options.executors }, (_, index): ExecutorPlace => {
    return createPlace({
      database,
      slots,
      limits,
      context,
      start(events) {
        const spawn = options.worker()
        return spawn === undefined
          ? startInPage(options, events)
          : startInWorker(spawn, workers, events)
      },
      onError,
      onDown(error) {
        if (error === null) down.delete(index)
        else down.set(index, error)
        const [first = null] = down.values()
        options.onDown(first)
      },
    })
  })
  return {
    connect(engine) {
      for (const place of places) place.connect(engine)
    },
    jobsChanged(isOtherCode) {
      for (const place of places) {
        if (isOtherCode) place.replace()
        else place.jobsChanged()
      }
    },
    gone(executorId) {
      for (const place of places) place.gone(executorId)
    },
    hung(executorId) {
      for (const place of places) place.hung(executorId)
    },
    setContext(value) {
      context.set(value)
      for (const place of places) place.setContext(value)
    },
    crash: (index) => places[index]?.crash(),
    stop() {
      for (const place of places) place.stop()
    },
  }
}
