/**
 * `client.subscribe`: one run as it is, and then everything that happens to it, as an async iterable.
 *
 * | state     | on …                                         | becomes                             |
 * |-----------|----------------------------------------------|-------------------------------------|
 * | `new`     | the first `next`                             | `reading`                           |
 * | `reading` | the snapshot came                            | `live`; `over` where the run ended  |
 * | `live`    | more came than a backlog holds               | `behind`; the backlog is forgotten  |
 * | `behind`  | the next `next`                              | `reading`                           |
 * | any       | the engine restarted                         | `reading`                           |
 * | any       | the run ended, was deleted, `return`, failed | `over`                              |
 *
 * Over a gap, a restart or a backlog that was too long, goes a fresh snapshot: no state is missed, and none told twice.
 */
import type { Codec } from '../codec/codec.js'
import type { Connection } from '../connection.js'
import { isStepwellError } from '../errors.js'
import type { RunEvent } from '../generated/protocol.js'
import type { Step } from '../types.js'
import { type Backlog, createBacklog } from './backlog.js'
import type { UntypedRun } from './convert.js'
import { type StepwellRunEvent, toPublicEvent } from './events.js'
import { isNews } from './news.js'
import { isTerminal, notFound } from './wait.js'

export interface UntypedSnapshot {
  readonly type: 'snapshot'
  readonly run: UntypedRun
  readonly steps: readonly Step[]
}

type Update = UntypedSnapshot | StepwellRunEvent
type Result = IteratorResult<Update, undefined>

export interface Subscription extends AsyncIterable<Update> {
  next(): Promise<Result>
  return(): Promise<Result>
  [Symbol.asyncIterator](): Subscription
}

export interface SubscribeContext {
  readonly connection: Connection
  readonly codec: Codec
  getRun(runId: string): Promise<UntypedRun | null>
  getSteps(runId: string, outputs: boolean): Promise<readonly Step[]>
}

interface Waiter {
  resolve(result: Result): void
  reject(reason: unknown): void
}

const DONE: Result = Object.freeze({ done: true, value: undefined })

export function createSubscription(context: SubscribeContext, runId: string): Subscription {
  const { connection, codec } = context
  const backlog = createBacklog()
  const waiters: Waiter[] = []
  let state: 'new' | 'reading' | 'live' | 'behind' | 'over' = 'new'
  /** Of the latest read: the answers to earlier ones are not wanted any more. */
  let reading = 0
  /** What came during the read: its answer may be older or newer. */
  const held = createBacklog()
  let isHeldLost = false
  let failure: { readonly reason: unknown } | null = null
  let cleanUp: (() => void)[] = []

  const take = (): Update | undefined => {
    const item = backlog.shift()
    return item === undefined || item.type === 'snapshot' ? item : toPublicEvent(codec, item)
  }
  const deliver = () => {
    while (waiters.length > 0) {
      const value = take()
      if (value !== undefined) waiters.shift()?.resolve({ done: false, value })
      else if (state === 'behind') return read()
      else if (state !== 'over') return
      else if (failure === null) waiters.shift()?.resolve(DONE)
      else {
        waiters.shift()?.reject(failure.reason)
        failure = null
      }
    }
  }
  const end = () => {
    state = 'over'
    held.clear()
    for (const off of cleanUp.splice(0)) off()
  }
  const fail = (reason: unknown) => {
    if (state === 'over') return
    failure = { reason }
    end()
    deliver()
  }
  const accept = (event: RunEvent) => {
    if (state === 'over') return
    // A snapshot will show the rest; of a run that is gone none can be read.
    if (state === 'behind' && event.type !== 'run:delete') return
    if (!backlog.add(event)) state = 'behind'
    else if (isLast(event)) end()
  }
  const onSnapshot = (run: UntypedRun | null, steps: readonly Step[]) => {
    const events = drain(held)
    const deleted = events.find(({ type }) => type === 'run:delete')
    if (isHeldLost) return read()
    state = 'live'
    if (run !== null) {
      const snapshot: UntypedSnapshot = { type: 'snapshot', run, steps }
      if (!backlog.add(snapshot)) backlog.add(snapshot)
      if (isTerminal(run.status)) end()
      else for (const event of events.filter((each) => isNews(snapshot, each))) accept(event)
    } else if (deleted !== undefined) {
      accept(deleted)
    } else {
      fail(notFound(runId))
    }
    deliver()
  }
  const read = () => {
    if (state === 'over') return
    state = 'reading'
    held.clear()
    isHeldLost = false
    reading += 1
    const number = reading
    const steps = context.getSteps(runId, false).catch(noSteps)
    Promise.all([context.getRun(runId), steps]).then(
      ([run, steps]) => {
        if (number === reading && state === 'reading') onSnapshot(run, steps)
      },
      (reason: unknown) => {
        if (number === reading) fail(reason)
      },
    )
  }
  const onEvents = (batch: readonly RunEvent[]) => {
    for (const event of batch) {
      if (event.runId !== runId) continue
      if (state !== 'reading') accept(event)
      else if (!held.add(event)) isHeldLost = true
    }
    deliver()
  }
  const onStatus = () => {
    const { state: now, error } = connection.status.get()
    if ((now === 'unavailable' || now === 'closed') && error !== null) fail(error)
  }
  const start = () => {
    cleanUp = [
      connection.onEvents(onEvents),
      connection.onReset(read),
      connection.status.subscribe(onStatus),
    ]
    read()
  }
  const subscription: Subscription = {
    next() {
      return new Promise((resolve, reject) => {
        waiters.push({ resolve, reject })
        if (state === 'new') start()
        deliver()
      })
    },
    async return() {
      backlog.clear()
      failure = null
      end()
      deliver()
      return DONE
    },
    [Symbol.asyncIterator]: () => subscription,
  }
  return subscription
}

function drain(backlog: Backlog): RunEvent[] {
  const events: RunEvent[] = []
  for (let item = backlog.shift(); item !== undefined; item = backlog.shift()) {
    if (item.type !== 'snapshot') events.push(item)
  }
  return events
}

function isLast({ type }: RunEvent): boolean {
  return (
    type === 'run:complete' || type === 'run:fail' || type === 'run:cancel' || type === 'run:delete'
  )
}

function noSteps(reason: unknown): readonly Step[] {
  if (isStepwellError(reason, 'not_found')) return []
  throw reason
}
