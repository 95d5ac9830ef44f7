/**
 * The place of one executor: what stands there is started, connected to each new engine, and replaced when it dies.
 *
 * | state      | on …                                        | becomes    |
 * |------------|---------------------------------------------|------------|
 * | `empty`    | `connect`                                   | `starting` |
 * | `starting` | it is ready                                 | `up`       |
 * | `starting` | it cannot be loaded, or says that it failed | `down`     |
 * | `up`       | the engine found it dead                    | `down`     |
 * | `up`       | the engine found it hung                    | `starting` |
 * | `down`     | time has passed, or `connect`               | `starting` |
 * | any        | `crash`, `replace`                          | `starting` |
 * | any        | `stop`                                      | `empty`    |
 */
import { StepwellError, toStepwellError } from '../errors.js'
import type { ExecutorId } from '../generated/protocol.js'
import { BUILD_ID, type ContextPort, type Limits } from '../wire.js'
import { type ContextLine, type ContextSource, serveContext } from './context.js'
import type { EngineProcess } from './engine.js'
import type { ExecutorEvents, RunningExecutor } from './executor-start.js'

/** A worker that cannot be loaded is tried again, ever less often. */
const RELOAD_MS_MIN = 2000
const RELOAD_MS_MAX = 60_000

export interface PlaceOptions {
  readonly database: string
  readonly slots: number
  readonly limits: Limits
  readonly context: ContextSource
  /** May throw. */
  readonly start: (events: ExecutorEvents) => RunningExecutor
  /** An error of the user's code, or why what stood here is gone. */
  readonly onError: (error: StepwellError) => void
  /** Why nothing runs here now; `null`: it works (again). Comes before `onError` of the same. */
  readonly onDown: (error: StepwellError | null) => void
}

export interface ExecutorPlace {
  connect(engine: EngineProcess): void
  jobsChanged(): void
  /** The engine found an executor dead: its worker ended itself, or the browser ended it. */
  gone(executorId: ExecutorId): void
  /** The engine found a function of an executor hung, and has let go of the executor. */
  hung(executorId: ExecutorId): void
  setContext(value: unknown): void
  /** Ends the executor as a crash would, and starts another one. */
  crash(): void
  /** The same in good order: what it works on goes on in the new one, and is not counted as a recovery. */
  replace(): void
  stop(): void
}

interface Standing {
  readonly executor: RunningExecutor
  readonly line: ContextLine
  /** The other end of the line, until the executor has it. */
  unsent: ContextPort | null
}

export function createPlace(options: PlaceOptions): ExecutorPlace {
  let standing: Standing | null = null
  let engine: EngineProcess | null = null
  let reloadTimer: ReturnType<typeof setTimeout> | undefined
  let reloadMs = RELOAD_MS_MIN

  const clear = () => {
    clearTimeout(reloadTimer)
    standing?.executor.stop()
    standing?.line.close()
    standing = null
  }
  const failed = (error: StepwellError) => {
    clear()
    options.onDown(error)
    options.onError(error)
    reloadTimer = setTimeout(start, reloadMs)
    reloadMs = Math.min(reloadMs * 2, RELOAD_MS_MAX)
  }
  const place = (): Standing => {
    const executor = options.start({
      onReady() {
        reloadMs = RELOAD_MS_MIN
        options.onDown(null)
      },
      onFailed: failed,
      onUncaught: options.onError,
    })
    const { port1, port2 } = new MessageChannel()
    const unsent = { port: port2, isUsed: options.context.isUsed() }
    return { executor, line: serveContext(port1, options.context), unsent }
  }
  const start = () => {
    clearTimeout(reloadTimer)
    if (engine === null) return
    try {
      standing ??= place()
    } catch (reason) {
      return failed(toStepwellError(reason))
    }
    const { executor, unsent } = standing
    standing.unsent = null
    const { port1, port2 } = new MessageChannel()
    const { database, slots, limits } = options
    engine.post({ type: 'stepwell:executor', executorId: executor.id, port: port1 }, [port1])
    executor.connect({
      type: 'stepwell:connect',
      buildId: BUILD_ID,
      database,
      executorId: executor.id,
      slots,
      limits,
      port: port2,
      context: unsent,
    })
  }
  return {
    connect(next) {
      engine = next
      start()
    },
    jobsChanged() {
      standing?.executor.jobsChanged()
      if (options.context.isUsed()) standing?.line.use()
    },
    gone(executorId) {
      if (standing?.executor.id === executorId) failed(goneError())
    },
    hung(executorId) {
      if (standing?.executor.id !== executorId) return
      // A worker is terminated. The page cannot be: its functions are aborted, and what they still do is ignored.
      clear()
      options.onError(hungError())
      start()
    },
    setContext: (value) => standing?.line.push(value),
    crash() {
      clear()
      start()
    },
    replace() {
      if (standing !== null) {
        const { id } = standing.executor
        engine?.post({ type: 'stepwell:replace-executor', executorId: id })
      }
      clear()
      reloadMs = RELOAD_MS_MIN
      start()
    },
    stop() {
      engine = null
      clear()
    },
  }
}

function hungError(): StepwellError {
  return new StepwellError(
    'timeout',
    'A function of a job took longer than its timeout and did not end by its signal, so the worker of the jobs was ' +
      'ended and started again. Other runs there go on from their last committed steps. Hand the signal to what takes ' +
      'long, and do not block the thread.',
  )
}

function goneError(): StepwellError {
  return new StepwellError(
    'internal',
    'The worker of the jobs ended (it called close, or the browser ended it). It is started again, and its runs go on ' +
      'from their last committed steps.',
  )
}
