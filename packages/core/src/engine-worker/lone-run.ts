/**
 * Whether one run is all that is at work, its messages coming one at a time, each after the answer to the one before.
 * Then nothing comes that could share its commit, and waiting for it is a detour that each step takes.
 *
 * It is seen by looking: batches that waited, and turned out to be one message about one run, the same several times.
 * Parallel steps of that run send messages of their own, so every few batches one waits again.
 */
import type { Input, RunId } from '../generated/protocol.js'

/** So many in a row are no chance. */
const ALONE_MIN = 4
/** So many leave without waiting before one waits again: an eighth of the detours is left, and as much is soon noticed. */
const UNSEEN_MAX = 7

export interface LoneRun {
  /** Whether what a message brought may leave without waiting for others. To be asked once a message. */
  readonly isAlone: (inputs: readonly Input[]) => boolean
  /** A batch leaves. @param messages how many brought it. */
  readonly left: (inputs: readonly Input[], messages: number) => void
}

export function createLoneRun(): LoneRun {
  let runId: RunId | null = null
  let inARow = 0
  let unseen = 0
  return {
    isAlone(inputs) {
      const isExpected = inARow >= ALONE_MIN && unseen < UNSEEN_MAX && runOf(inputs) === runId
      unseen = isExpected ? unseen + 1 : 0
      return isExpected
    },
    left(inputs, messages) {
      const only = messages === 1 ? runOf(inputs) : null
      if (only === null) inARow = 0
      else if (only === runId) inARow += 1
      else inARow = 1
      runId = only
    },
  }
}

/** The run that all of them are about; `null` where there is none. */
function runOf(inputs: readonly Input[]): RunId | null {
  let only: RunId | null = null
  for (const input of inputs) {
    if (input.type !== 'executor' || input.envelope.message.type === 'hello') return null
    const { runId } = input.envelope.message
    if (only !== null && only !== runId) return null
    only = runId
  }
  return only
}
