/** One client's `Connection`: its own state of being closed, on the tab that it may share with other clients. */
import type { Connection } from '../connection.js'
import { type StepwellError, toStepwellError } from '../errors.js'
import type { RunEvent } from '../generated/protocol.js'
import type { StepwellStatus } from '../types.js'
import { cloneContext } from './context.js'
import { createCell, createEmitter, type Emitter } from './emitter.js'
import { isBrowserPage, serverError } from './environment.js'
import type { StepwellEngineEvent } from './events.js'
import * as refusals from './refusals.js'
import { acquireTab, type Lease, type SharedConfig } from './shared.js'
import { initialStatus, type Tab } from './tab.js'
import type { TransferAsk } from './transfers.js'

export interface ClientConnection extends Connection {
  onEngineEvent(listener: (event: StepwellEngineEvent) => void): () => void
  /** Throws `not_serializable` and `closed`. Connects nothing. */
  setContext(value: unknown): void
  transfer(ask: TransferAsk): Promise<Uint8Array<ArrayBuffer>>
  persist(): Promise<boolean>
  crash: Tab['crash']
  close(): Promise<void>
}

export function createConnection(config: SharedConfig): ClientConnection {
  /** Whose requests these are, on a shared tab. */
  const owner = {}
  const status = createCell<StepwellStatus>(initialStatus(config.durability))
  const events: Emitter<readonly RunEvent[]> = createEmitter()
  const engineEvents: Emitter<StepwellEngineEvent> = createEmitter()
  const resets: Emitter<void> = createEmitter()
  const subscriptions: (() => void)[] = []
  let lease: Lease | null = null
  let failure: StepwellError | null = null
  let closing: Promise<void> | null = null
  /** What `setContext` was given before there was a tab. */
  let context: { readonly value: unknown } | null = null

  const fail = (error: StepwellError) => {
    failure = error
    status.set({ ...status.get(), state: 'unavailable', error })
    engineEvents.emit({ type: 'engine:error', timestamp: Date.now(), error })
  }
  const subscribe = (tab: Tab) => {
    subscriptions.push(
      tab.onEvents((batch) => events.emit(batch)),
      tab.onEngineEvent((event) => engineEvents.emit(event)),
      tab.onStatus(() => status.set(tab.status())),
      tab.onReset(() => resets.emit()),
    )
  }
  const connect = () => {
    if (lease !== null || failure !== null || !isBrowserPage()) return
    try {
      lease = acquireTab(config)
    } catch (reason) {
      return fail(toStepwellError(reason))
    }
    subscribe(lease.tab)
    if (context !== null) lease.tab.setContext(context.value)
    context = null
    lease.connect()
    status.set(lease.tab.status())
  }
  const close = async () => {
    failure = refusals.closed()
    const error = failure
    for (const off of subscriptions.splice(0)) off()
    status.set({ ...status.get(), state: 'closed', role: 'none', error })
    lease?.tab.rejectOf(owner, error)
    await lease?.release()
  }
  return {
    connect,
    request(command, blobs = []) {
      connect()
      if (failure !== null) return Promise.reject(failure)
      if (lease === null) return Promise.reject(serverError())
      return lease.tab.request(command, owner, blobs)
    },
    readBlob(id) {
      connect()
      if (failure !== null) return Promise.reject(failure)
      if (lease === null) return Promise.reject(serverError())
      return lease.tab.readBlob(id)
    },
    transfer(ask) {
      connect()
      if (failure !== null) return Promise.reject(failure)
      if (lease === null) return Promise.reject(serverError())
      return lease.tab.transfer(ask, owner)
    },
    persist() {
      connect()
      if (failure !== null) return Promise.reject(failure)
      if (lease === null) return Promise.reject(serverError())
      return lease.tab.persist()
    },
    onEvents: (listener) => events.on(listener),
    onEngineEvent: (listener) => engineEvents.on(listener),
    onReset: (listener) => resets.on(listener),
    status,
    setContext(value) {
      if (closing !== null) throw refusals.closed()
      const copy = cloneContext(value)
      if (lease === null) context = { value: copy }
      else lease.tab.setContext(copy)
    },
    crash(what) {
      connect()
      lease?.tab.crash(what)
    },
    close() {
      closing ??= close()
      return closing
    },
  }
}
