/** The tab's executor: the user's worker, or this page. It outlives engines: each new one gets a new port to it. */
import type { Serializer } from '../codec/codec.js'
import { errorText, fromErrorInfo, StepwellError } from '../errors.js'
import { type Executor, startExecutor } from '../executor/runtime.js'
import type { ExecutorId } from '../generated/protocol.js'
import type { AnyJob } from '../infer.js'
import { BUILD_ID, type ConnectExecutor, type FromExecutorWorker, type Limits } from '../wire.js'
import type { EngineProcess } from './engine.js'
import { randomId } from './request-id.js'

/** A worker that cannot be loaded is tried again, ever less often. */
const RELOAD_MS_MIN = 2000
const RELOAD_MS_MAX = 60_000

export interface ExecutorHostOptions {
  readonly database: string
  readonly slots: number
  readonly limits: Limits
  readonly jobs: () => ReadonlyMap<string, AnyJob>
  /** That of an executor in the page; a worker has its own, from `serveJobs`. */
  readonly serializer: () => Serializer | undefined
  /** What makes the worker, asked for at each start; `undefined`: jobs run in the page. */
  readonly worker: () => (() => Worker) | undefined
  readonly locks: LockManager | undefined
  /** @param isDown whether no job can run; else an error of the user's code that was not caught. */
  readonly onError: (error: StepwellError, isDown: boolean) => void
  /** It works (again). */
  readonly onReady: () => void
}

export interface ExecutorHost {
  /** Connects the executor, which is started if need be, to a started engine. */
  connect(engine: EngineProcess): void
  /** The jobs changed: an executor in the page serves the new ones. */
  jobsChanged(): void
  /** The engine found this executor dead: its worker ended itself, or the browser ended it. */
  gone(executorId: ExecutorId): void
  /** Ends the executor as a crash would, and starts another one. */
  crash(): void
  /** Ends the executor. `connect` starts a new one. */
  stop(): void
}

/** What this module needs of either kind. */
interface RunningExecutor {
  readonly id: ExecutorId
  connect(message: ConnectExecutor): void
  jobsChanged(): void
  stop(): void
}

export function createExecutorHost(options: ExecutorHostOptions): ExecutorHost {
  let executor: RunningExecutor | null = null
  let engine: EngineProcess | null = null
  let reloadTimer: ReturnType<typeof setTimeout> | undefined
  let reloadMs = RELOAD_MS_MIN

  const stop = () => {
    clearTimeout(reloadTimer)
    executor?.stop()
    executor = null
  }
  const failed = (error: StepwellError) => {
    stop()
    options.onError(error, true)
    reloadTimer = setTimeout(start, reloadMs)
    reloadMs = Math.min(reloadMs * 2, RELOAD_MS_MAX)
  }
  const ready = () => {
    reloadMs = RELOAD_MS_MIN
    options.onReady()
  }
  const start = () => {
    clearTimeout(reloadTimer)
    if (engine === null) return
    try {
      const spawn = options.worker()
      executor ??=
        spawn === undefined
          ? startInPage(options, ready)
          : startInWorker(options, spawn, ready, failed)
    } catch (reason) {
      return failed(spawnError(reason))
    }
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
    })
  }
  return {
    connect(next) {
      engine = next
      start()
    },
    jobsChanged: () => executor?.jobsChanged(),
    gone(executorId) {
      if (executor?.id === executorId) failed(goneError())
    },
    crash() {
      stop()
      start()
    },
    stop() {
      engine = null
      stop()
    },
  }
}

function startInPage(
  { jobs, locks, serializer }: ExecutorHostOptions,
  onReady: () => void,
): RunningExecutor {
  let runtime: Executor | null = null
  return {
    id: randomId(),
    connect(message) {
      if (runtime === null) {
        runtime = startExecutor({ jobs: jobs(), connect: message, locks, serializer: serializer() })
      } else {
        runtime.connect(message)
      }
      onReady()
    },
    jobsChanged: () => runtime?.setJobs(jobs()),
    stop: () => runtime?.close(),
  }
}

function startInWorker(
  { onError }: ExecutorHostOptions,
  spawn: () => Worker,
  onReady: () => void,
  onFailed: (error: StepwellError) => void,
): RunningExecutor {
  const worker: unknown = spawn()
  if (!isWorker(worker)) {
    throw new StepwellError(
      'invalid_input',
      'The option worker of createStepwell must return a Worker: ' +
        "worker: () => new Worker(new URL('./jobs.ts', import.meta.url), { type: 'module' }).",
    )
  }
  let isReady = false
  const off = new AbortController()
  const { signal } = off
  const onMessage = ({ data }: MessageEvent<unknown>) => {
    if (!isFromExecutorWorker(data)) return
    if (data.type === 'stepwell:executor-failed') return onFailed(fromErrorInfo(data.error))
    isReady = true
    onReady()
  }
  const onCrash = ({ message }: ErrorEvent) => {
    // After the start an error event is an uncaught error in the user's code, and the worker lives on.
    if (isReady) onError(uncaughtError(message), false)
    else onFailed(loadError(message))
  }
  worker.addEventListener('message', onMessage, { signal })
  worker.addEventListener('error', onCrash, { signal })
  return {
    id: randomId(),
    connect: (message) => worker.postMessage(message, [message.port]),
    // The worker's jobs are those of its own module.
    jobsChanged: () => undefined,
    stop() {
      off.abort()
      worker.terminate()
    },
  }
}

function isWorker(value: unknown): value is Worker {
  return (
    typeof value === 'object' && value !== null && 'postMessage' in value && 'terminate' in value
  )
}

function isFromExecutorWorker(data: unknown): data is FromExecutorWorker {
  if (typeof data !== 'object' || data === null || !('type' in data)) return false
  return data.type === 'stepwell:executor-ready' || data.type === 'stepwell:executor-failed'
}

function spawnError(reason: unknown): StepwellError {
  if (reason instanceof StepwellError) return reason
  const message = `The option worker of createStepwell threw, so no job can run: ${errorText(reason)}`
  return new StepwellError('invalid_input', message, { cause: reason })
}

function loadError(message: string): StepwellError {
  return new StepwellError(
    'invalid_input',
    `The worker of the jobs could not be loaded, so no job can run: ${message || 'see the console'}. Check the URL in ` +
      'the option worker of createStepwell, and that the module calls serveJobs.',
  )
}

function goneError(): StepwellError {
  return new StepwellError(
    'internal',
    'The worker of the jobs ended (it called close, or the browser ended it). It is started again, and its runs go on ' +
      'from their last committed steps.',
  )
}

function uncaughtError(message: string): StepwellError {
  return new StepwellError(
    'internal',
    `An error in the worker of the jobs was not caught: ${message}`,
  )
}
