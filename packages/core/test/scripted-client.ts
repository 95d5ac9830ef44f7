/**
 * A client on an engine that is played by a test: runs in a map, events as the test tells them, and a record of what was
 * asked. Answers are made when the question arrives, as in the engine, and may be held back to come after later events.
 */

import { vi } from 'vitest'
import { createCell, createEmitter } from '../src/client/emitter.js'
import { initialStatus } from '../src/client/initial-status.js'
import type { Connection } from '../src/connection.js'
import { isStepwellError, StepwellError } from '../src/errors.js'
import type { Command, EventBody, Reply, Run, RunEvent, Step } from '../src/generated/protocol.js'
import type { StepwellStatus } from '../src/types.js'
import { clientOn } from './scripted-front.js'
import { wireRun } from './wire-run.js'

type CommandOf<T extends Command['type']> = Extract<Command, { type: T }>

/** A run of that id, made at 1000 ms. */
export function storedRun(id: string, rest: Partial<Run> = {}): Run {
  return wireRun({ id, createdAt: 1000, startAt: 1000, updatedAt: 1000, ...rest })
}

interface Held {
  readonly command: Command
  readonly reply: Reply
  settle(reply: Reply): void
}

/** Waits until nothing more happens by itself. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve()
}

export function scriptedClient(jobs: object) {
  const runs = new Map<string, Run>()
  const steps = new Map<string, readonly Step[]>()
  const signals = new Set<string>()
  const asked: Command[] = []
  const events = createEmitter<readonly RunEvent[]>()
  const resets = createEmitter<void>()
  const status = createCell<StepwellStatus>({ ...initialStatus('strict'), state: 'ready' })
  let held: Held[] | null = null
  let refusal: StepwellError | null = null
  let collected: RunEvent[] | null = null
  let sequence = 0
  let ids = 0

  const emit = (run: Run, body: EventBody) => {
    sequence += 1
    const { id: runId, jobName, labels, version, parentId } = run
    const head = { sequence, timestamp: 1000 + sequence, runId, jobName, labels, version, parentId }
    const event: RunEvent = { ...head, status: run.status, ...body }
    if (collected === null) events.emit([event])
    else collected.push(event)
  }
  const runOf = (id: string): Run => {
    const run = runs.get(id)
    if (run === undefined) throw new Error(`no run ${id}`)
    return run
  }
  const page = ({ filter }: CommandOf<'getRuns'>): Reply => {
    const { jobNames = [], statuses = [], labels = {}, cursor, limit = 50 } = filter
    const { createdAfter = 0, createdBefore = Number.POSITIVE_INFINITY } = filter
    const { parentId, rootsOnly = false } = filter
    const found = [...runs.values()]
      .filter(({ id }) => cursor === undefined || id < cursor)
      .filter(({ jobName }) => jobNames.length === 0 || jobNames.includes(jobName))
      .filter((run) => statuses.length === 0 || statuses.includes(run.status))
      .filter((run) => Object.entries(labels).every(([key, value]) => run.labels[key] === value))
      .filter(({ createdAt }) => createdAt >= createdAfter && createdAt < createdBefore)
      .filter((run) => parentId === undefined || run.parentId === parentId)
      .filter((run) => !rootsOnly || run.parentId === undefined)
      .sort((a, b) => (a.id < b.id ? 1 : -1))
    const shown = found.slice(0, limit)
    const nextCursor = found.length > limit ? shown.at(-1)?.id : undefined
    return { type: 'runs', page: { runs: shown, nextCursor } }
  }
  const trigger = (rest: Partial<Run> = {}): string => {
    ids += 1
    const run = storedRun(`run-${String(ids).padStart(6, '0')}`, rest)
    runs.set(run.id, run)
    emit(run, { type: 'run:trigger' })
    return run.id
  }
  const answer = (command: Command): Reply => {
    if (refusal !== null) return { type: 'error', error: refusal }
    switch (command.type) {
      case 'getRun':
        return { type: 'run', run: runs.get(command.runId) }
      case 'getRuns':
        return page(command)
      case 'getSteps':
        return { type: 'steps', steps: [...(steps.get(command.runId) ?? [])] }
      case 'trigger': {
        const { jobName, input, labels, concurrencyKey, idempotencyKey, priority = 0 } = command.run
        const keys = { concurrencyKey, idempotencyKey, priority }
        const id = trigger({ jobName, input, labels, ...keys })
        return { type: 'triggered', result: { run: runOf(id), disposition: 'created' } }
      }
      case 'retrigger': {
        const { jobName, labels, concurrencyKey } = runOf(command.runId)
        const id = trigger({ jobName, input: command.input, labels, concurrencyKey })
        return { type: 'triggered', result: { run: runOf(id), disposition: 'created' } }
      }
      case 'signal': {
        // Nobody waits: the first one of a key is kept.
        const disposition = signals.has(command.key) ? 'ignored' : 'kept'
        signals.add(command.key)
        return { type: 'signalled', disposition }
      }
      default:
        throw new Error(`the script has no answer to ${command.type}`)
    }
  }
  const connection: Connection = {
    connect: () => undefined,
    request(command) {
      asked.push(command)
      return new Promise((resolve, reject) => {
        const settle = (reply: Reply) => {
          if (reply.type === 'error')
            reject(new StepwellError(reply.error.code, reply.error.message))
          else resolve(typed(command, reply))
        }
        const reply = answer(command)
        if (held === null) settle(reply)
        else held.push({ command, reply, settle })
      })
    },
    readBlob: () => Promise.resolve(null),
    onEvents: (listener) => events.on(listener),
    onReset: (listener) => resets.on(listener),
    status,
  }
  return {
    client: clientOn({ connection, status }, jobs),
    asked,
    status,
    runs,
    /** Of each run, as the engine lists them. */
    steps,
    /** How often each command was asked since the last call. */
    counts(): Record<string, number> {
      const counts: Record<string, number> = {}
      for (const { type } of asked.splice(0)) counts[type] = (counts[type] ?? 0) + 1
      return counts
    },
    trigger,
    /** A write and its event. */
    change(id: string, patch: Partial<Run>, body: EventBody) {
      const before = runOf(id)
      const run = { ...before, version: before.version + 1, updatedAt: 2000 + sequence, ...patch }
      runs.set(id, run)
      emit(run, body)
    },
    start(id: string) {
      const { attempt } = runOf(id)
      this.change(id, { status: 'running', startedAt: 1500 }, { type: 'run:start', attempt })
    },
    complete(id: string, output = '"done"') {
      this.change(id, { status: 'completed', output, completedAt: 3000 }, { type: 'run:complete' })
    },
    remove(id: string) {
      const run = runOf(id)
      runs.delete(id)
      emit(run, { type: 'run:delete' })
    },
    /** The body of an event, of the version that is stored. */
    emit(id: string, body: EventBody) {
      emit(runOf(id), body)
    },
    /** An event of what was before, or is not stored. */
    tell(id: string, head: Partial<Run>, body: EventBody) {
      emit({ ...runOf(id), ...head }, body)
    },
    /** The events of all that `call` does come in one array, as those of a transaction. */
    batch(call: () => void) {
      // Within another one, or within what nobody is told.
      if (collected !== null) return call()
      collected = []
      call()
      const batch = collected
      collected = null
      events.emit(batch)
    },
    /** Events wait until the returned function is called: as a transaction's replies come before them. */
    holdEvents(): () => void {
      collected = []
      return () => {
        const batch = collected ?? []
        collected = null
        events.emit(batch)
      }
    },
    /** What changed while the engine was away: nobody is told. */
    silently(call: () => void) {
      collected = []
      call()
      collected = null
    },
    /** A new engine: what was not answered is asked again. */
    reset() {
      held = held?.map((each) => ({ ...each, reply: answer(each.command) })) ?? null
      resets.emit()
    },
    /** From now on answers are made and do not arrive. */
    hold() {
      held ??= []
    },
    /** Those that were held arrive, in order. `now`: made only now, as by an engine that was busy. */
    async release(when: 'then' | 'now' = 'then') {
      const due = held ?? []
      held = null
      for (const { command, reply, settle } of due) settle(when === 'now' ? answer(command) : reply)
      await settled()
    },
    /** From now on every question is refused. */
    refuse(error: StepwellError | null) {
      refusal = error
    },
  }
}

/** The scripted answer is the reply to that command: `answer` makes it by the command's type. */
function typed<C extends Command>(_command: C, reply: Reply): never
function typed(_command: Command, reply: Reply): unknown {
  return reply
}

export interface Frames {
  /** The next frame of the page; what is asked for in it is for the one after. */
  next(): Promise<void>
  /** Frames until nothing asks for one. */
  drain(): Promise<void>
}

/** A page whose frames a test makes. */
export function stubFrames(): Frames {
  let callbacks = new Map<number, () => void>()
  let handles = 0
  vi.stubGlobal('document', { visibilityState: 'visible' })
  vi.stubGlobal('requestAnimationFrame', (call: () => void) => {
    handles += 1
    callbacks.set(handles, call)
    return handles
  })
  vi.stubGlobal('cancelAnimationFrame', (handle: number) => callbacks.delete(handle))
  const next = async () => {
    await settled()
    const due = callbacks
    callbacks = new Map()
    for (const call of due.values()) call()
    await settled()
  }
  return {
    next,
    async drain() {
      do await next()
      while (callbacks.size > 0)
    },
  }
}

export const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (reason: unknown) => (isStepwellError(reason) ? reason.code : String(reason)),
  )
