/** The engine's side of a client's connection, played by a test: it answers what it is told to, it imitates no engine. */

import { type Cell, createCell, createEmitter } from '../src/client/emitter.js'
import { initialStatus } from '../src/client/initial-status.js'
import { isReplyTo } from '../src/client/requests.js'
import type { Connection } from '../src/connection.js'
import { fromErrorInfo } from '../src/errors.js'
import type { Command, Reply, Run, RunEvent, RunStatus } from '../src/generated/protocol.js'
import type { StepwellStatus } from '../src/types.js'
import { wireRun } from './wire-run.js'

export interface ScriptedConnection {
  readonly connection: Connection
  /** All that was asked, in order. */
  readonly sent: Command[]
  readonly status: Cell<StepwellStatus>
  emit(...events: RunEvent[]): void
  reset(): void
  /** How many listen to events. */
  listeners(): number
}

/** @param answer what a command is answered, now or later. */
export function scriptedConnection(
  answer: (command: Command) => Reply | Promise<Reply>,
): ScriptedConnection {
  const events = createEmitter<readonly RunEvent[]>()
  const resets = createEmitter<void>()
  const status = createCell<StepwellStatus>(initialStatus('strict'))
  const sent: Command[] = []
  let listening = 0
  return {
    sent,
    status,
    connection: {
      connect: () => undefined,
      async request(command) {
        sent.push(command)
        const reply = await answer(command)
        if (isReplyTo(command, reply)) return reply
        if (reply.type === 'error') throw fromErrorInfo(reply.error)
        throw new Error(`${command.type} was answered with ${reply.type}`)
      },
      readBlob: async () => null,
      onEvents(listener) {
        listening += 1
        const off = events.on(listener)
        return () => {
          listening -= 1
          off()
        }
      },
      onReset: (listener) => resets.on(listener),
      status,
    },
    emit: (...batch) => events.emit(batch),
    reset: () => resets.emit(),
    listeners: () => listening,
  }
}

/** A pending run of the job `greet`. */
export function greetRun(rest: Partial<Run> = {}): Run {
  return wireRun({ jobName: 'greet', input: '"Ada"', ...rest })
}

export function eventHead(version: number, status: RunStatus = 'running', runId = 'run-1') {
  const head = { sequence: version, timestamp: 1, runId, jobName: 'greet', labels: {} }
  return { ...head, status, version, parentId: undefined }
}
