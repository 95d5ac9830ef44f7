/**
 * Group commit: what is queued while a message port is emptied becomes one batch, and so one transaction.
 *
 * One message is one task, so "flush at the end of this task" would be a batch of one. The first input of a batch posts
 * to a private channel instead: its task comes after all messages that have arrived by then. Where one run alone is at
 * work there is nothing to come, and what a message of it brought leaves in that message's task.
 */
import { sizeOf } from '../codec/codec.js'
import { sizeOfCommand } from '../command-size.js'
import type { Input, NewTrigger, Report } from '../generated/protocol.js'
import { createLoneRun } from './lone-run.js'

/** A larger batch would take longer than the 50 ms that one may take. */
const INPUTS_MAX = 256
const SIZE_MAX = 1024 * 1024

export interface Batch {
  readonly push: (input: Input) => void
  /** As `push`, but never flushes before it returns: for callers inside the engine. */
  readonly pushLater: (input: Input) => void
  /** @param read pushes all that one message brought. */
  readonly message: (read: () => void) => void
  /** From now on batches leave; what was pushed before is the first. */
  readonly start: (flush: (inputs: Input[]) => void) => void
  /** Everything that is queued leaves before this returns. */
  readonly flushAll: () => void
  /** Nothing leaves by itself until the returned function is called. */
  readonly hold: () => () => void
  readonly isHeld: () => boolean
  /** Drops what is queued, and everything from now on. */
  readonly stop: () => void
}

export function createBatch(): Batch {
  const channel = new MessageChannel()
  const loneRun = createLoneRun()
  let queue: Input[] = []
  let size = 0
  /** How many brought what is queued. */
  let messages = 0
  let isInMessage = false
  let isScheduled = false
  let isStopped = false
  let holds = 0
  let flush: ((inputs: Input[]) => void) | null = null

  const schedule = () => {
    if (isScheduled || flush === null) return
    isScheduled = true
    channel.port2.postMessage(null)
  }
  const flushNow = () => {
    if (flush === null || queue.length === 0) return
    // Only what waited for the engine to open is ever longer.
    const inputs = queue.splice(0, INPUTS_MAX)
    loneRun.left(inputs, messages)
    messages = 0
    if (queue.length > 0) schedule()
    else size = 0
    flush(inputs)
  }
  channel.port1.onmessage = () => {
    isScheduled = false
    if (holds === 0) flushNow()
  }
  const pushLater = (input: Input) => {
    if (isStopped) return
    queue.push(input)
    size += sizeOfInput(input)
    if (isInMessage) return
    messages += 1
    schedule()
  }
  const endMessage = () => {
    isInMessage = false
    if (queue.length === 0) return
    messages += 1
    const isFree = !isScheduled && holds === 0 && messages === 1
    if (isFree && loneRun.isAlone(queue)) flushNow()
    else schedule()
  }
  return {
    pushLater,
    message(read) {
      isInMessage = true
      try {
        read()
      } finally {
        endMessage()
      }
    },
    push(input) {
      pushLater(input)
      if (holds === 0 && (queue.length >= INPUTS_MAX || size >= SIZE_MAX)) flushNow()
    },
    start(flushBatch) {
      flush = flushBatch
      if (queue.length > 0) schedule()
    },
    flushAll() {
      while (flush !== null && queue.length > 0) flushNow()
    },
    hold() {
      holds += 1
      return () => {
        holds -= 1
        if (holds === 0 && queue.length > 0) schedule()
      }
    },
    isHeld: () => holds > 0,
    stop() {
      isStopped = true
      flush = null
      queue = []
      channel.port1.close()
    },
  }
}

/** Roughly how much an input carries: the parts that can be large. */
function sizeOfInput(input: Input): number {
  if (input.type === 'client') return sizeOfCommand(input.request.command)
  if (input.type !== 'executor') return 0
  const { message } = input.envelope
  const output = 'output' in message ? sizeOf(message.output) : 0
  const children = message.type === 'stepInvoke' ? sizeOfChildren(message.children) : 0
  return output + children + ('report' in message ? sizeOfReport(message.report) : 0)
}

function sizeOfChildren(children: readonly NewTrigger[]): number {
  return children.reduce((sum, { input }) => sum + sizeOf(input), 0)
}

function sizeOfReport({ logs }: Report): number {
  return logs.reduce((sum, { message, data }) => sum + message.length + sizeOf(data ?? ''), 0)
}
