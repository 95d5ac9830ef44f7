/** The executors' ports, and the locks that tell of their deaths. */
import type { EngineMessage, ExecutorId, Input } from '../generated/protocol.js'
import { executorLock, type ToExecutor } from '../wire.js'
import { isFromExecutor } from './messages.js'

export interface Executors {
  readonly add: (executorId: ExecutorId, port: MessagePort) => void
  readonly send: (executorId: ExecutorId, messages: readonly EngineMessage[]) => void
  readonly close: () => void
}

interface Connected {
  readonly port: MessagePort
  /** Ends the wait for the executor's lock. */
  readonly watch: AbortController
}

export interface ExecutorsOptions {
  readonly database: string
  /** `undefined` where there are none: executors then live and die with this worker's page. */
  readonly locks: LockManager | undefined
  readonly push: (input: Input) => void
  readonly onGone: (executorId: ExecutorId) => void
}

export function createExecutors({ database, locks, push, onGone }: ExecutorsOptions): Executors {
  const connected = new Map<ExecutorId, Connected>()

  const disconnect = (executorId: ExecutorId) => {
    const executor = connected.get(executorId)
    connected.delete(executorId)
    executor?.port.close()
    executor?.watch.abort()
  }
  // The executor holds its lock when it says its first word, and not before: a request made any earlier could be granted
  // although the executor lives.
  const watch = (executorId: ExecutorId, executor: Connected) => {
    const { signal } = executor.watch
    const gone = () => {
      if (connected.get(executorId) !== executor) return
      disconnect(executorId)
      push({ type: 'executorGone', executorId })
      onGone(executorId)
    }
    // It rejects when the wait is ended, and when this worker is about to be destroyed.
    locks?.request(executorLock(database, executorId), { signal }, gone).catch(() => undefined)
  }
  return {
    add(executorId, port) {
      disconnect(executorId)
      const executor = { port, watch: new AbortController() }
      connected.set(executorId, executor)
      let isSilent = true
      port.onmessage = ({ data }: MessageEvent<unknown>) => {
        if (connected.get(executorId) !== executor || !isFromExecutor(data)) return
        if (data.type === 'stepwell:read-blob') return
        if (isSilent) watch(executorId, executor)
        isSilent = false
        for (const envelope of data.envelopes) push({ type: 'executor', executorId, envelope })
      }
    },
    send(executorId, messages) {
      connected.get(executorId)?.port.postMessage(messages satisfies ToExecutor)
    },
    close() {
      for (const executorId of [...connected.keys()]) disconnect(executorId)
    },
  }
}
