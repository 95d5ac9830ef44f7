/**
 * An executor: takes assignments from the engine and executes them, in a worker or in the page.
 *
 * It outlives engines. A restarted engine brings a new port and is told what is being worked on; what it adopts goes on
 * under a new generation, and everything else is aborted, so that no body runs twice at the same time.
 */
import type {
  Assignment,
  EngineMessage,
  ExecutorEnvelope,
  Generation,
  Holding,
  RunId,
} from '../generated/protocol.js'
import type { AnyJob } from '../infer.js'
import { BUILD_ID, type ConnectExecutor, executorLock } from '../wire.js'
import type { StopReason } from './execution.js'
import { holdLock, type Liveness } from './liveness.js'
import { createOutbox } from './outbox.js'
import { type ActiveRun, startRun } from './run.js'
import { createTurns } from './turns.js'

/** A function that does not end after its abort is given up after this; its slot is free then. */
const RELEASE_MS_MAX = 2_000

export interface ExecutorOptions {
  readonly jobs: ReadonlyMap<string, AnyJob>
  readonly connect: ConnectExecutor
  /** `undefined` where there are none. */
  readonly locks?: LockManager | undefined
}

export interface Executor {
  /** Goes on with a restarted engine, over its new port. */
  readonly connect: (message: ConnectExecutor) => void
  /** Serves other jobs from now on (hot reload). Runs in progress keep the code that they started with. */
  readonly setJobs: (jobs: ReadonlyMap<string, AnyJob>) => void
  /** Aborts everything and lets go of the lock. */
  readonly close: () => void
}

export function startExecutor(options: ExecutorOptions): Executor {
  let jobs = options.jobs
  let connection: ConnectExecutor | null = null
  let liveness: { readonly name: string; readonly lock: Liveness } | null = null
  const outbox = createOutbox()
  const turns = createTurns()
  const runs = new Map<RunId, ActiveRun>()
  /** Aborted runs whose functions have not ended. */
  const leaving = new Set<string>()

  const holding = (): Holding[] =>
    [...runs.values()].map((run) => ({ runId: run.runId, generation: run.generation() }))

  const sendTo = (port: MessagePort) => (envelopes: ExecutorEnvelope[]) =>
    port.postMessage(envelopes)

  const sayHello = ({ port, slots }: ConnectExecutor) => {
    outbox.shut()
    const message = {
      type: 'hello' as const,
      buildId: BUILD_ID,
      jobs: [...jobs.keys()],
      slots,
      holding: holding(),
    }
    sendTo(port)([{ seq: 0, message }])
  }

  const welcomed = (adopted: readonly Holding[], port: MessagePort) => {
    const generations = new Map<RunId, Generation>()
    for (const { runId, generation } of adopted) generations.set(runId, generation)
    for (const run of [...runs.values()]) {
      const generation = generations.get(run.runId)
      if (generation === undefined) discard(run, 'lease_lost')
      else run.adopt(generation)
    }
    outbox.open(sendTo(port), generations)
    for (const run of runs.values()) run.announceBodies()
  }

  const discard = (run: ActiveRun, reason: StopReason) => {
    if (runs.get(run.runId) === run) runs.delete(run.runId)
    outbox.drop(run.runId)
    run.stop(reason)
  }

  /** Aborts a run for the engine, and says when its slot is free. */
  const leave = (run: ActiveRun, reason: StopReason) => {
    const { runId } = run
    const generation = run.generation()
    const key = leavingKey(runId, generation)
    leaving.add(key)
    discard(run, reason)
    void withinMs(run.settled, RELEASE_MS_MAX).then(() => {
      leaving.delete(key)
      outbox.tell({ type: 'released', runId, generation })
    })
  }

  const abort = (runId: RunId, generation: Generation, reason: StopReason) => {
    const run = runs.get(runId)
    if (run?.generation() === generation) leave(run, reason)
    else if (!leaving.has(leavingKey(runId, generation))) {
      outbox.tell({ type: 'released', runId, generation })
    }
  }

  const assign = (assignment: Assignment) => {
    const job = jobs.get(assignment.jobName)
    // Its jobs changed while the assignment was on its way. The `hello` that told so does not hold this run, and so the
    // engine takes it back.
    if (job === undefined) return
    const previous = runs.get(assignment.runId)
    if (previous !== undefined) discard(previous, 'lease_lost')
    const run = startRun({
      job,
      assignment,
      outbox,
      turns,
      onEnd() {
        if (runs.get(assignment.runId) === run) runs.delete(assignment.runId)
      },
    })
    runs.set(assignment.runId, run)
  }

  const receive = (message: EngineMessage, port: MessagePort) => {
    switch (message.type) {
      case 'welcome':
        return welcomed(message.adopted, port)
      case 'assign':
        return assign(message.assignment)
      case 'ack':
        return outbox.acked(message.seqs)
      case 'abort':
        return abort(message.runId, message.generation, message.reason)
      case 'refused': {
        const run = runs.get(message.runId)
        if (run !== undefined && outbox.has(message.seq)) leave(run, message.reason)
        return
      }
    }
  }

  const connect = (message: ConnectExecutor) => {
    connection?.port.close()
    connection = message
    outbox.shut()
    const { port } = message
    port.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (connection?.port !== port) return
      turns.begin()
      for (const received of engineMessages(data)) receive(received, port)
    }
    const name = executorLock(message.database, message.executorId)
    if (liveness?.name !== name) {
      liveness?.lock.release()
      liveness = { name, lock: holdLock(name, options.locks) }
    }
    void liveness.lock.held.then(
      () => {
        if (connection === message) sayHello(message)
      },
      () => undefined,
    )
  }

  connect(options.connect)
  return {
    connect,
    setJobs(next) {
      jobs = next
      const current = connection
      void liveness?.lock.held.then(
        () => {
          if (current !== null && connection === current) sayHello(current)
        },
        () => undefined,
      )
    },
    close() {
      connection?.port.close()
      connection = null
      outbox.shut()
      for (const run of [...runs.values()]) discard(run, 'closed')
      liveness?.lock.release()
      turns.close()
    },
  }
}

function leavingKey(runId: RunId, generation: Generation): string {
  return `${runId}:${generation}`
}

function withinMs(promise: Promise<void>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    void promise.then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}

const ENGINE_MESSAGES: ReadonlySet<unknown> = new Set<EngineMessage['type']>([
  'welcome',
  'assign',
  'ack',
  'refused',
  'abort',
])

/** The port is private to the engine worker; this keeps a foreign or future message from doing harm. */
function* engineMessages(data: unknown): Generator<EngineMessage> {
  if (!Array.isArray(data)) return
  for (const item of data) {
    if (isEngineMessage(item)) yield item
  }
}

function isEngineMessage(item: unknown): item is EngineMessage {
  return (
    typeof item === 'object' && item !== null && 'type' in item && ENGINE_MESSAGES.has(item.type)
  )
}
