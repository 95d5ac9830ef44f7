/** `@stepwell/core/executor`: turns a module with jobs into the entry of the worker that runs them. */
import type { Serializer } from './codec/codec.js'
import { type Executor, startExecutor } from './executor/runtime.js'
import { checkServed, type ServeJobsOptions } from './executor-page.js'
import { collectJobs } from './job.js'
import { BUILD_ID, type ConnectExecutor, type FromExecutorWorker } from './wire.js'

export type { ServeJobsOptions } from './executor-page.js'

/** The exports that this worker serves, from however many calls. */
let served: readonly unknown[] = []
let serializer: Serializer | undefined
let executor: Executor | null = null

/**
 * In a dedicated worker: serves these jobs to the page that spawned it. Anywhere else it does nothing, so that the same
 * module can be imported by the page for its types and names.
 *
 * @param jobs an object of jobs, or a module namespace; what is no job in it is ignored.
 * @returns its argument.
 */
export function serveJobs<T extends object>(jobs: T, options?: ServeJobsOptions): T {
  const wanted = checkServed(jobs, options)
  if (!('DedicatedWorkerGlobalScope' in globalThis)) return jobs
  serializer = wanted ?? serializer
  served = [...served, ...Object.values(jobs)]
  executor?.setJobs(collectJobs(served))
  // At once and not after an await: a message that arrives before there is a listener would be lost. Adding the same
  // listener again has no effect.
  globalThis.addEventListener('message', onMessage)
  return jobs
}

function onMessage({ data }: MessageEvent<unknown>): void {
  // The worker may have messages of its own: everything that is not our handshake is left alone.
  if (!isHandshake(data)) return
  if (data.buildId !== BUILD_ID) {
    const message =
      `The worker runs Stepwell ${BUILD_ID} and the page runs ${data.buildId}. ` +
      'Reload the page; if that does not help, make sure that only one version of @stepwell/core is installed.'
    say({ type: 'stepwell:executor-failed', error: { code: 'protocol_mismatch', message } })
    return
  }
  if (!isConnect(data)) return
  const jobs = collectJobs(served)
  if (executor === null) {
    const { locks } = globalThis.navigator
    executor = startExecutor({ jobs, connect: data, locks, serializer })
  } else {
    executor.connect(data)
  }
  say({ type: 'stepwell:executor-ready', jobs: [...jobs.keys()] })
}

function say(message: FromExecutorWorker): void {
  globalThis.postMessage(message)
}

/** The part that all builds have in common, so that another build is told and not ignored. */
function isHandshake(data: unknown): data is Pick<ConnectExecutor, 'type' | 'buildId'> {
  return (
    typeof data === 'object' &&
    data !== null &&
    'type' in data &&
    data.type === 'stepwell:connect' &&
    'buildId' in data &&
    typeof data.buildId === 'string'
  )
}

function isConnect(data: object): data is ConnectExecutor {
  return (
    'port' in data &&
    data.port instanceof MessagePort &&
    'context' in data &&
    isContextPort(data.context) &&
    'database' in data &&
    typeof data.database === 'string' &&
    'executorId' in data &&
    typeof data.executorId === 'string' &&
    'slots' in data &&
    typeof data.slots === 'number' &&
    'limits' in data &&
    isLimits(data.limits)
  )
}

function isContextPort(value: unknown): boolean {
  if (value === null) return true
  return typeof value === 'object' && 'port' in value && value.port instanceof MessagePort
}

function isLimits(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'payloadBytes' in value &&
    typeof value.payloadBytes === 'number' &&
    'logLines' in value &&
    typeof value.logLines === 'number'
  )
}
