/**
 * `step.context`: what the page gives to jobs. A run that starts asks the page, and sees what the page sets from then on.
 * Where the page gives nothing, nothing is asked and nobody waits.
 */
import type { RunFailure } from '../generated/protocol.js'
import type { ContextAnswer, ContextPort, ContextQuestion } from '../wire.js'
import { fromFailure } from './failure.js'
import type { Turns } from './turns.js'

/** The context of one execution. */
export interface RunContext {
  /** The newest value. */
  readonly value: () => unknown
  /** To be awaited before the function is called; rejects with why it cannot be. `null`: nothing to wait for. */
  readonly ready: Promise<void> | null
  /** Asks the page again, because what it gave may have gone stale while the run waited. As `ready`. */
  readonly renew: () => Promise<void> | null
}

export interface ContextFeed {
  /** For a run that starts. @param signal ends the wait. */
  readonly start: (signal: AbortSignal) => RunContext
  readonly close: () => void
}

interface Asked {
  readonly resolve: (value: unknown) => void
  readonly reject: (reason: Error) => void
}

export function createContextFeed(page: ContextPort | null, turns: Turns): ContextFeed {
  let isUsed = page?.isUsed ?? false
  /** What the page set last, and how often it did. */
  let pushed: unknown
  let pushes = 0
  const open = new Map<number, Asked>()
  let lastId = 0
  let latest: { readonly turn: number; readonly answer: Promise<unknown> } | null = null

  /** Runs that were assigned together ask once. */
  const ask = (): Promise<unknown> => {
    const turn = turns.current()
    if (latest?.turn === turn) return latest.answer
    lastId += 1
    const answer = new Promise<unknown>((resolve, reject) => {
      open.set(lastId, { resolve, reject })
    })
    latest = { turn, answer }
    page?.port.postMessage({ type: 'ask', id: lastId } satisfies ContextQuestion)
    return answer
  }
  const receive = (message: ContextAnswer) => {
    isUsed = true
    switch (message.type) {
      case 'use':
        return
      case 'set':
        pushed = message.value
        pushes += 1
        return
      case 'answer':
        open.get(message.id)?.resolve(message.value)
        break
      case 'failed':
        open.get(message.id)?.reject(contextError(message))
        break
    }
    open.delete(message.id)
  }
  const onMessage = ({ data }: MessageEvent<unknown>) => {
    if (!isAnswer(data)) return
    turns.begin()
    receive(data)
  }
  if (page !== null) page.port.onmessage = onMessage
  return {
    start(signal) {
      let own: unknown
      let pushesBefore = pushes
      const renew = () => {
        if (!isUsed) return null
        const ready = orAborted(ask(), signal).then((answer) => {
          own = answer
          pushesBefore = pushes
        })
        ready.catch(() => undefined)
        return ready
      }
      return { value: () => (pushes > pushesBefore ? pushed : own), ready: renew(), renew }
    },
    close: () => page?.port.close(),
  }
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    promise.then(resolve, reject)
  })
}

type Failed = Extract<ContextAnswer, { type: 'failed' }>

function contextError({ code, message }: Failed): Error {
  const failure: RunFailure = {
    name: 'ContextError',
    message,
    stack: undefined,
    causes: [],
    code,
    attempt: 1,
    stepName: undefined,
  }
  return fromFailure(failure)
}

const ANSWERS: ReadonlySet<unknown> = new Set<ContextAnswer['type']>([
  'use',
  'set',
  'answer',
  'failed',
])

/** The port is private to the page; this keeps a message of another build from doing harm. */
function isAnswer(data: unknown): data is ContextAnswer {
  return typeof data === 'object' && data !== null && 'type' in data && ANSWERS.has(data.type)
}
