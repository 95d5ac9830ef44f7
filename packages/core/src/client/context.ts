/**
 * The page's side of `step.context`: what the application gives to its jobs. It goes from the page to the executor and
 * nowhere else: the engine, the database, logs and exports never see it.
 */
import { errorText } from '../errors.js'
import type { ContextAnswer, ContextQuestion } from '../wire.js'
import { uncloneableMessage } from './clone-context.js'

export interface ContextSource {
  /** Whether an executor has to ask before it starts a run. */
  isUsed(): boolean
  /** From `setContext`: already a copy. */
  set(value: unknown): void
  /** What a run that starts now is given. Rejects with what the option `context` threw. */
  ask(): Promise<unknown>
}

/** @param option the option `context` of the newest client, asked for at each use. */
export function createContextSource(option: () => (() => unknown) | undefined): ContextSource {
  let given: { readonly value: unknown; readonly at: number } | null = null
  let clock = 0
  return {
    isUsed: () => given !== null || option() !== undefined,
    set(value) {
      clock += 1
      given = { value, at: clock }
    },
    async ask() {
      const make = option()
      if (make === undefined) return given?.value
      clock += 1
      const askedAt = clock
      const value = await make()
      // What was set while the function was at work is newer than what it began with.
      return given !== null && given.at > askedAt ? given.value : value
    },
  }
}

/** One executor's line to the source. */
export interface ContextLine {
  /** Running jobs see the new value. */
  push(value: unknown): void
  /** From now on the executor has to ask. */
  use(): void
  close(): void
}

export function serveContext(port: MessagePort, source: ContextSource): ContextLine {
  const send = (answer: ContextAnswer) => port.postMessage(answer)
  const answer = async (id: number) => {
    let value: unknown
    try {
      value = await source.ask()
    } catch (thrown) {
      return send({ type: 'failed', id, code: 'error', message: thrownMessage(thrown) })
    }
    try {
      send({ type: 'answer', id, value })
    } catch {
      const message = uncloneableMessage(value, 'What the option context of createStepwell made')
      send({ type: 'failed', id, code: 'not_serializable', message })
    }
  }
  port.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (isQuestion(data)) void answer(data.id)
  }
  return {
    push: (value) => send({ type: 'set', value }),
    use: () => send({ type: 'use' }),
    close: () => port.close(),
  }
}

function thrownMessage(thrown: unknown): string {
  return `This run could not start, because the option context of createStepwell threw: ${errorText(thrown)}`
}

function isQuestion(data: unknown): data is ContextQuestion {
  return typeof data === 'object' && data !== null && 'id' in data && typeof data.id === 'number'
}
