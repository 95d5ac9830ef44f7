/** The engine's side of an executor's port, played by a test: it checks the protocol, it imitates no engine. */
import { afterEach, expect } from 'vitest'
import type { Serializer } from '../src/codec/codec.js'
import { type Executor, startExecutor } from '../src/executor/runtime.js'
import type {
  Assignment,
  BlobId,
  EngineMessage,
  ExecutorEnvelope,
  ExecutorMessage,
  Holding,
  Payload,
  RunFailure,
  Step,
} from '../src/generated/protocol.js'
import { collectJobs } from '../src/job.js'
import {
  BUILD_ID,
  type ConnectExecutor,
  type ContextPort,
  type FromExecutor,
  type ToExecutor,
} from '../src/wire.js'

type Type = ExecutorMessage['type']
type Message<T extends Type> = Extract<ExecutorMessage, { type: T }>

export interface ScriptedEngine {
  /** The next message, which must be of this type. */
  readonly next: <T extends Type>(type: T) => Promise<Message<T> & { seq: number }>
  /** The next message, of whatever type. */
  readonly nextEnvelope: () => Promise<ExecutorEnvelope>
  readonly send: (...messages: EngineMessage[]) => void
  /** Takes the next message, which must be of this type, and acknowledges it. */
  readonly take: <T extends Type>(type: T) => Promise<Message<T> & { seq: number }>
  /** The sizes of the arrays that came. */
  readonly arrays: number[]
  /** What has come and was not asked for, once nothing more comes. */
  readonly rest: () => Promise<Type[]>
  /** Anything else that an engine worker says. */
  readonly say: (message: ToExecutor) => void
  /** The ids of the blobs that were asked for, and of those that came beside messages. */
  readonly blobs: { readonly asked: BlobId[]; readonly came: BlobId[] }
  readonly close: () => void
}

export function scriptedEngine(): { engine: ScriptedEngine; connect: ConnectExecutor } {
  const channel = new MessageChannel()
  const received: ExecutorEnvelope[] = []
  const arrays: number[] = []
  const blobs: ScriptedEngine['blobs'] = { asked: [], came: [] }
  let wake: () => void = () => undefined
  channel.port2.onmessage = ({ data }: MessageEvent<FromExecutor>) => {
    if (data.type === 'stepwell:read-blob') {
      blobs.asked.push(data.id)
      return
    }
    blobs.came.push(...data.blobs.map(({ id }) => id))
    arrays.push(data.envelopes.length)
    received.push(...data.envelopes)
    wake()
  }
  const say = (message: ToExecutor) => channel.port2.postMessage(message)
  const send = (...messages: EngineMessage[]) => say(messages)
  const nextEnvelope = async (): Promise<ExecutorEnvelope> => {
    for (;;) {
      const envelope = received.shift()
      if (envelope !== undefined) return envelope
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  const next: ScriptedEngine['next'] = async (type) => {
    const envelope = await nextEnvelope()
    if (!isOfType(envelope.message, type)) {
      throw new Error(`expected ${type}, got ${JSON.stringify(envelope)}`)
    }
    return { ...envelope.message, seq: envelope.seq }
  }
  const take: ScriptedEngine['take'] = async (type) => {
    const message = await next(type)
    expect(message.seq).toBeGreaterThan(0)
    send({ type: 'ack', seqs: [message.seq] })
    return message
  }
  return {
    engine: {
      next,
      nextEnvelope,
      send,
      take,
      arrays,
      say,
      blobs,
      async rest() {
        await quiet()
        return received.splice(0).map(({ message }) => message.type)
      },
      close: () => channel.port2.close(),
    },
    connect: {
      type: 'stepwell:connect',
      buildId: BUILD_ID,
      database: 'test',
      executorId: 'executor-1',
      slots: 4,
      limits: { payloadBytes: 4 * 1024 * 1024, logLines: 100_000 },
      port: channel.port1,
      context: null,
    },
  }
}

function isOfType<T extends Type>(message: ExecutorMessage, type: T): message is Message<T> {
  return message.type === type
}

/** A promise that the test settles. */
export function gate<T = void>(): { promise: Promise<T>; open: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, open: resolve }
}

/** Several turns of the event loop, in which messages would have come. */
export async function quiet(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** An executor that was welcomed. */
export async function welcomedExecutor(
  jobs: object,
  context: ContextPort | null = null,
  serializer?: Serializer,
  parkedMax?: number,
): Promise<{ executor: Executor; engine: ScriptedEngine }> {
  const { engine, connect } = scriptedEngine()
  const executor = startExecutor({
    jobs: collectJobs(jobs),
    connect: { ...connect, context },
    serializer,
    ...(parkedMax === undefined ? {} : { parkedMax }),
  })
  await engine.next('hello')
  engine.send({ type: 'welcome', epoch: 1, adopted: [], isOnline: true })
  return { executor, engine }
}

export interface Executors {
  /** An executor of these jobs, and its engine. */
  serve(jobs: object): Promise<ScriptedEngine>
  /** Closes them after the test. */
  keep<T extends { readonly executor: Executor; readonly engine: ScriptedEngine }>(started: T): T
}

/** For a test file: what its tests open is closed after each. */
export function executors(): Executors {
  let open: { readonly executor: Executor; readonly engine: ScriptedEngine }[] = []
  afterEach(() => {
    for (const { executor, engine } of open) {
      executor.close()
      engine.close()
    }
    open = []
  })
  const keep: Executors['keep'] = (started) => {
    open.push(started)
    return started
  }
  return { keep, serve: async (jobs) => keep(await welcomedExecutor(jobs)).engine }
}

export function assign(jobName: string, rest: Partial<Assignment> = {}): EngineMessage {
  return {
    type: 'assign',
    assignment: {
      runId: 'run-1',
      jobName,
      generation: 1,
      attempt: 1,
      labels: {},
      logCount: 0,
      timeoutMs: undefined,
      input: '',
      memo: [],
      ...rest,
    },
  }
}

export function welcome(epoch: number, ...adopted: Holding[]): EngineMessage {
  return { type: 'welcome', epoch, adopted, isOnline: true }
}

/** A step as the engine stores it. */
export function step(name: string, rest: Partial<Step>): Step {
  return {
    name,
    kind: 'run',
    status: 'completed',
    completedIndex: undefined,
    attempt: 1,
    output: undefined,
    error: undefined,
    firstAttempt: 1,
    waitingFor: undefined,
    children: [],
    startedAt: 1,
    completedAt: 2,
    ...rest,
  }
}

export function stored(name: string, completedIndex: number, output: Payload): Step {
  return step(name, { completedIndex, output })
}

export function failure(rest: Partial<RunFailure> = {}): RunFailure {
  return {
    name: 'Error',
    message: 'broken',
    stack: undefined,
    causes: [],
    code: 'error',
    attempt: 1,
    stepName: undefined,
    ...rest,
  }
}
