/** The executors' ports, the blobs that their messages wait for, and the locks that tell of their deaths. */
import { toStepwellError } from '../errors.js'
import type {
  BlobId,
  EngineMessage,
  ErrorInfo,
  ExecutorEnvelope,
  ExecutorId,
  Input,
} from '../generated/protocol.js'
import { executorLock, type ToExecutor } from '../wire.js'
import type { Blobs, NewBlobs } from './blobs/blobs.js'
import { blobIdsOfEnvelope } from './blobs/ids.js'
import { createLanes, type Lanes } from './blobs/lanes.js'
import { isFromExecutor } from './messages.js'

/** As long as the engine waits before it tries again what storage refused. */
const RETRY_MS = 1_000

export interface Executors {
  readonly add: (executorId: ExecutorId, port: MessagePort) => void
  readonly send: (executorId: ExecutorId, messages: readonly EngineMessage[]) => void
  /** Closes its port, and only waits for its death. */
  readonly disown: (executorId: ExecutorId) => void
  readonly close: () => void
}

interface Connected {
  readonly port: MessagePort
  /** Ends the wait for the executor's lock. */
  readonly watch: AbortController
  readonly lanes: Lanes
}

export interface ExecutorsOptions {
  readonly database: string
  /** `undefined` where there are none: executors then live and die with this worker's page. */
  readonly locks: LockManager | undefined
  readonly push: (input: Input) => void
  /** @param read pushes all that one message brought. */
  readonly message: (read: () => void) => void
  readonly onGone: (executorId: ExecutorId) => void
  readonly blobs: Blobs
  /** Blobs cannot be stored for now; `null`: they can again. */
  readonly onPaused: (error: ErrorInfo | null) => void
}

export function createExecutors(options: ExecutorsOptions): Executors {
  const { database, locks, push, message, onGone, blobs } = options
  const connected = new Map<ExecutorId, Connected>()
  /** Nothing that they say counts any more. */
  const disowned = new Set<Connected>()

  const disconnect = (executorId: ExecutorId) => {
    const executor = connected.get(executorId)
    connected.delete(executorId)
    executor?.port.close()
    executor?.watch.abort()
    executor?.lanes.close()
  }
  // The executor holds its lock when it says its first word, and not before: a request made any earlier could be granted
  // although the executor lives.
  const watch = (executorId: ExecutorId, executor: Connected) => {
    const { signal } = executor.watch
    const gone = () => {
      const isKnown = connected.get(executorId) === executor
      if (!isKnown && !disowned.delete(executor)) return
      if (isKnown) disconnect(executorId)
      push({ type: 'executorGone', executorId })
      if (isKnown) onGone(executorId)
    }
    // It rejects when the wait is ended, and when this worker is about to be destroyed.
    locks?.request(executorLock(database, executorId), { signal }, gone).catch(() => undefined)
  }
  /** Whether they are stored. Tries until they are, as the engine does with what it cannot store. */
  const storeBlobs = async (
    { executorId, executor, seq }: { executorId: ExecutorId; executor: Connected; seq: number },
    ids: readonly BlobId[],
    news: NewBlobs,
  ): Promise<boolean> => {
    let isPaused = false
    const isConnected = () => connected.get(executorId) === executor
    while (isConnected()) {
      try {
        await blobs.store(ids, news)
        if (isPaused) options.onPaused(null)
        if (isConnected()) return true
        break
      } catch (reason) {
        const { code, message } = toStepwellError(reason)
        const error = { code, message }
        if (code === 'invalid_input') {
          say(executor.port, { type: 'unstorable', seq, error })
          break
        }
        isPaused = true
        options.onPaused(error)
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
    blobs.discard(ids)
    return false
  }
  const answerRead = async (port: MessagePort, id: BlobId) => {
    say(port, { type: 'blob', id, blob: await blobs.read(id).catch(() => null) })
  }
  return {
    add(executorId, port) {
      disconnect(executorId)
      const pass = (envelope: ExecutorEnvelope) => push({ type: 'executor', executorId, envelope })
      const executor = { port, watch: new AbortController(), lanes: createLanes(pass) }
      connected.set(executorId, executor)
      let isSilent = true
      port.onmessage = ({ data }: MessageEvent<unknown>) => {
        if (connected.get(executorId) !== executor || !isFromExecutor(data)) return
        if (data.type === 'stepwell:read-blob') return void answerRead(port, data.id)
        if (isSilent) watch(executorId, executor)
        isSilent = false
        const news = new Map(data.blobs.map(({ id, blob }) => [id, blob]))
        message(() => {
          for (const envelope of data.envelopes) {
            const ids = blobIdsOfEnvelope(envelope)
            const source = { executorId, executor, seq: envelope.seq }
            executor.lanes.add(envelope, ids.length === 0 ? null : storeBlobs(source, ids, news))
          }
        })
      }
    },
    send(executorId, messages) {
      const executor = connected.get(executorId)
      if (executor !== undefined) say(executor.port, messages)
    },
    disown(executorId) {
      const executor = connected.get(executorId)
      if (executor === undefined) return
      connected.delete(executorId)
      disowned.add(executor)
      executor.port.close()
      executor.lanes.close()
    },
    close() {
      for (const executor of disowned) executor.watch.abort()
      disowned.clear()
      for (const executorId of [...connected.keys()]) disconnect(executorId)
    },
  }
}

function say(port: MessagePort, message: ToExecutor): void {
  port.postMessage(message)
}
