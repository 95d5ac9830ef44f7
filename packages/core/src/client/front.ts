/**
 * What of a client is there at once: its status, its listeners, its context, and whether it was closed. The rest is its
 * runtime, which is loaded when something first connects or asks.
 *
 * | state     | on …                            | becomes                                    |
 * |-----------|---------------------------------|--------------------------------------------|
 * | `idle`    | `connect` in a page, `call`     | `loading`                                  |
 * | `loading` | the runtime came / did not come | `loaded` / `idle`, the status says why     |
 * | `idle`    | the browser is online again     | `loading`, if it failed before             |
 * | any       | `close`                         | closed: what waits for the runtime rejects |
 */
import type { Connection } from '../connection.js'
import type { StepwellError } from '../errors.js'
import type { RunEvent } from '../generated/protocol.js'
import type { StepwellStatus } from '../types.js'
import { cloneContext } from './clone-context.js'
import { closed } from './closed.js'
import { type Cell, createCell, createEmitter, type Emitter } from './emitter.js'
import type { StepwellEngineEvent } from './events.js'
import { initialStatus } from './initial-status.js'
import { notLoaded } from './not-loaded.js'
import type { Runtime } from './runtime.js'
import type { SharedConfig } from './shared.js'

/** What the runtime is given. */
export interface Page {
  readonly config: SharedConfig
  readonly status: Cell<StepwellStatus>
  readonly events: Emitter<readonly RunEvent[]>
  readonly engineEvents: Emitter<StepwellEngineEvent>
  readonly resets: Emitter<void>
  /** Nothing works, and why. */
  fail(error: StepwellError): void
}

export interface Front extends Page, Pick<Connection, 'connect' | 'onEvents' | 'onReset'> {
  readonly serverStatus: StepwellStatus
  readonly runtime: Runtime | null
  onRuntime(listener: (runtime: Runtime) => void): () => void
  call<T>(use: (runtime: Runtime) => Promise<T>): Promise<T>
  /** Throws `not_serializable` and `closed`. Connects nothing. */
  setContext(value: unknown): void
  close(): Promise<void>
}

/** On a server and in other places without a page a client does nothing. */
export function isBrowserPage(): boolean {
  return typeof document !== 'undefined' && typeof Worker !== 'undefined'
}

/** @param loadRuntime what a bundler makes a file of its own of. */
export function createFront(
  config: SharedConfig,
  loadRuntime: () => Promise<{ startRuntime(page: Page): Runtime }> = () => import('./runtime.js'),
): Front {
  const serverStatus = initialStatus(config.durability)
  const status = createCell(serverStatus)
  const events: Emitter<readonly RunEvent[]> = createEmitter()
  const engineEvents: Emitter<StepwellEngineEvent> = createEmitter()
  const resets: Emitter<void> = createEmitter()
  const runtimes: Emitter<Runtime> = createEmitter()
  let runtime: Runtime | null = null
  let loading: Promise<Runtime> | null = null
  /** What `setContext` was given before there was a runtime. */
  let context: { readonly value: unknown } | null = null
  let isClosed = false
  let closing: Promise<void> | null = null
  /** Of what waits for the runtime. */
  let endLoading: (error: StepwellError) => void = () => undefined

  const fail = (error: StepwellError) => {
    status.set({ ...status.get(), state: 'unavailable', error })
    engineEvents.emit({ type: 'engine:error', timestamp: Date.now(), error })
  }
  const page: Page = { config, status, events, engineEvents, resets, fail }

  const start = async (): Promise<Runtime> => {
    try {
      const { startRuntime } = await loadRuntime()
      if (isClosed) throw closed()
      runtime = startRuntime(page)
    } catch (reason) {
      if (isClosed) throw reason
      loading = null
      const error = notLoaded('The code of Stepwell that connects to the engine', reason)
      fail(error)
      if (isBrowserPage()) addEventListener('online', connect, { once: true })
      throw error
    }
    if (context !== null) runtime.connection.setContext(context.value)
    runtimes.emit(runtime)
    return runtime
  }
  const load = (): Promise<Runtime> => {
    if (isClosed) return Promise.reject(closed())
    // What went wrong before is forgotten.
    status.set(serverStatus)
    return new Promise((resolve, reject) => {
      endLoading = reject
      start().then(resolve, reject)
    })
  }
  const call = <T>(use: (runtime: Runtime) => Promise<T>): Promise<T> => {
    // Through the promise also when it is loaded: a later command must not overtake one that waited for it.
    loading ??= load()
    return loading.then(use)
  }
  const connect = () => {
    if (!isBrowserPage()) return
    // The status says what went wrong.
    call(async ({ connection }) => connection.connect()).catch(() => undefined)
  }
  const close = async () => {
    isClosed = true
    const error = closed()
    endLoading(error)
    const released = runtime?.connection.close(error)
    status.set({ ...status.get(), state: 'closed', role: 'none', error })
    await released
  }
  return {
    ...page,
    serverStatus,
    get runtime() {
      return runtime
    },
    onRuntime: (listener) => runtimes.on(listener),
    call,
    connect,
    onEvents: (listener) => events.on(listener),
    onReset: (listener) => resets.on(listener),
    setContext(value) {
      if (isClosed) throw closed()
      const copy = cloneContext(value)
      if (runtime === null) context = { value: copy }
      else runtime.connection.setContext(copy)
    },
    close() {
      closing ??= close()
      return closing
    },
  }
}
