/** One client's `Connection`, on the tab that it may share with other clients. */
import type { Connection } from '../connection.js'
import { type StepwellError, toStepwellError } from '../errors.js'
import { serverError } from './environment.js'
import { isBrowserPage, type Page } from './front.js'
import type { ExportAsk } from './rescue.js'
import { acquireTab, type Lease } from './shared.js'
import type { Tab } from './tab.js'
import type { TransferAsk } from './transfers.js'

export interface ClientConnection extends Connection {
  /** Already a copy. Connects nothing. */
  setContext(value: unknown): void
  transfer(ask: TransferAsk): Promise<Uint8Array<ArrayBuffer>>
  exportDatabase(ask: ExportAsk): Promise<Uint8Array<ArrayBuffer>>
  persist(): Promise<boolean>
  crash: Tab['crash']
  /** @param error what open commands, and those to come, reject with. */
  close(error: StepwellError): Promise<void>
}

export function createConnection(page: Page): ClientConnection {
  const { config, status, events, engineEvents, resets } = page
  /** Whose requests these are, on a shared tab. */
  const owner = {}
  const subscriptions: (() => void)[] = []
  let lease: Lease | null = null
  let failure: StepwellError | null = null
  /** What `setContext` was given before there was a tab. */
  let context: { readonly value: unknown } | null = null

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
      failure = toStepwellError(reason)
      return page.fail(failure)
    }
    subscribe(lease.tab)
    if (context !== null) lease.tab.setContext(context.value)
    context = null
    lease.connect()
    status.set(lease.tab.status())
  }
  /** Connects first, if that has not been done. */
  const onTab = <T>(ask: (tab: Tab) => Promise<T>): Promise<T> => {
    connect()
    if (failure !== null) return Promise.reject(failure)
    if (lease === null) return Promise.reject(serverError())
    return ask(lease.tab)
  }
  return {
    connect,
    request: (command, blobs = []) => onTab((tab) => tab.request(command, owner, blobs)),
    readBlob: (id) => onTab((tab) => tab.readBlob(id)),
    transfer: (ask) => onTab((tab) => tab.transfer(ask, owner)),
    exportDatabase: (ask) => onTab((tab) => tab.exportDatabase(ask, owner)),
    persist: () => onTab((tab) => tab.persist()),
    onEvents: (listener) => events.on(listener),
    onReset: (listener) => resets.on(listener),
    status,
    setContext(value) {
      if (lease === null) context = { value }
      else lease.tab.setContext(value)
    },
    crash(what) {
      connect()
      lease?.tab.crash(what)
    },
    async close(error) {
      failure = error
      for (const off of subscriptions.splice(0)) off()
      lease?.tab.rejectOf(owner, error)
      await lease?.release()
    },
  }
}
