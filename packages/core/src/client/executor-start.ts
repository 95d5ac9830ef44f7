/** An executor of either kind: a worker of the user's, or this page. */
import type { Serializer } from '../codec/codec.js'
import { fromErrorInfo, StepwellError } from '../errors.js'
import type { Executor } from '../executor/runtime.js'
import type { ExecutorId } from '../generated/protocol.js'
import type { AnyJob } from '../infer.js'
import { randomId } from '../random-id.js'
import type { ConnectExecutor, FromExecutorWorker } from '../wire.js'
import { notLoaded } from './not-loaded.js'
import { spawnWorker } from './spawn.js'

/** What the rest of this folder needs of either kind. */
export interface RunningExecutor {
  readonly id: ExecutorId
  connect(message: ConnectExecutor): void
  jobsChanged(): void
  stop(): void
}

export interface ExecutorEvents {
  /** It has taken its connection. */
  onReady(): void
  /** It cannot run jobs. Nothing comes after it. */
  onFailed(error: StepwellError): void
  /** An error of the user's code was not caught; the executor lives on. */
  onUncaught(error: StepwellError): void
}

/** What an executor in the page is given; a worker has its own, from `serveJobs`. */
export interface PageOptions {
  readonly jobs: () => ReadonlyMap<string, AnyJob>
  readonly serializer: () => Serializer | undefined
  readonly locks: LockManager | undefined
}

/** What runs functions is loaded now: a page whose jobs run in a worker never needs it. */
export function startInPage(
  { jobs, serializer, locks }: PageOptions,
  events: ExecutorEvents,
): RunningExecutor {
  const loading = import('../executor/in-page.js')
  let executor: Executor | null = null
  let isStopped = false
  const connect = async (message: ConnectExecutor) => {
    const { startExecutor } = await loading
    if (isStopped) return message.port.close()
    if (executor === null) {
      executor = startExecutor({ jobs: jobs(), connect: message, locks, serializer: serializer() })
    } else {
      executor.connect(message)
    }
    events.onReady()
  }
  return {
    id: randomId(),
    connect(message) {
      connect(message).catch((reason: unknown) => {
        if (!isStopped) events.onFailed(notLoaded('The code that runs jobs in this page', reason))
      })
    },
    jobsChanged: () => executor?.setJobs(jobs()),
    stop() {
      isStopped = true
      executor?.close()
    },
  }
}

/** Throws `invalid_input` where `spawn` makes no worker. @param live the workers that run already. */
export function startInWorker(
  spawn: () => Worker,
  live: Set<Worker>,
  events: ExecutorEvents,
): RunningExecutor {
  const worker = spawned(spawn, live)
  live.add(worker)
  let isReady = false
  const off = new AbortController()
  const { signal } = off
  const onMessage = ({ data }: MessageEvent<unknown>) => {
    if (!isFromExecutorWorker(data)) return
    if (data.type === 'stepwell:executor-failed') return events.onFailed(fromErrorInfo(data.error))
    isReady = true
    events.onReady()
  }
  const onCrash = ({ message }: ErrorEvent) => {
    // After the start an error event is an uncaught error in the user's code, and the worker lives on.
    if (isReady) events.onUncaught(uncaughtError(message))
    else events.onFailed(loadError(message))
  }
  worker.addEventListener('message', onMessage, { signal })
  worker.addEventListener('error', onCrash, { signal })
  return {
    id: randomId(),
    connect(message) {
      const { port, context } = message
      worker.postMessage(message, context === null ? [port] : [port, context.port])
    },
    // The worker's jobs are those of its own module.
    jobsChanged: () => undefined,
    stop() {
      off.abort()
      live.delete(worker)
      worker.terminate()
    },
  }
}

function spawned(spawn: () => Worker, live: ReadonlySet<Worker>): Worker {
  const worker = spawnWorker('worker', spawn, HOW)
  if (live.has(worker)) throw new StepwellError('invalid_input', `${SAME_WORKER} ${HOW}`)
  return worker
}

const SAME_WORKER =
  'The option worker of createStepwell returned a worker that runs jobs already. It is called for each executor and ' +
  'must make a new one each time:'
const HOW = "worker: () => new Worker(new URL('./jobs.ts', import.meta.url), { type: 'module' })."

function isFromExecutorWorker(data: unknown): data is FromExecutorWorker {
  if (typeof data !== 'object' || data === null || !('type' in data)) return false
  return data.type === 'stepwell:executor-ready' || data.type === 'stepwell:executor-failed'
}

function loadError(message: string): StepwellError {
  return new StepwellError(
    'invalid_input',
    `The worker of the jobs could not be loaded, so no job can run: ${message || 'see the console'}. Check the URL in ` +
      'the option worker of createStepwell, and that the module calls serveJobs.',
  )
}

function uncaughtError(message: string): StepwellError {
  return new StepwellError(
    'internal',
    `An error in the worker of the jobs was not caught: ${message}`,
  )
}
