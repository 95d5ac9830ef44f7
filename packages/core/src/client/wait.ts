/** Waiting for a run's end: told by events, never by polling. */
import { afterMs } from '../after-ms.js'
import type { Codec } from '../codec/codec.js'
import type { Connection } from '../connection.js'
import { durationMs } from '../duration.js'
import { StepwellError } from '../errors.js'
import type { RunEvent } from '../generated/protocol.js'
import { checkFunction, checkOptions, checkSignal } from '../options.js'
import type { LogLine, RunStatus } from '../types.js'
import { toLogLine, type UntypedRun } from './convert.js'
import { guarded } from './emitter.js'
import type { WaitOptions } from './types.js'

export const WAIT_OPTIONS = ['timeout', 'signal', 'onProgress', 'onLog']

export function isTerminal(status: RunStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}

/** The options, checked; `timeoutMs` is `null` for no timeout. */
export function checkWaitOptions(options: WaitOptions, what: string): number | null {
  checkOptions(options, what, WAIT_OPTIONS)
  const { timeout, signal, onProgress, onLog } = options
  if (signal !== undefined) checkSignal(signal, `The option signal of ${what}`)
  if (onProgress !== undefined) checkFunction(onProgress, `The option onProgress of ${what}`)
  if (onLog !== undefined) checkFunction(onLog, `The option onLog of ${what}`)
  return timeout === undefined ? null : durationMs(timeout, `The option timeout of ${what}`)
}

export interface WaitContext {
  readonly connection: Connection
  readonly codec: Codec
  getRun(runId: string): Promise<UntypedRun | null>
  fullLine(line: LogLine): Promise<LogLine>
}

export function waitForRun(
  { connection, codec, getRun, fullLine }: WaitContext,
  runId: string,
  options: WaitOptions,
): Promise<UntypedRun> {
  const timeoutMs = checkWaitOptions(options, 'waitForRun')
  const { signal, onProgress, onLog } = options
  return new Promise((resolve, reject) => {
    const cleanUp: (() => void)[] = []
    /** Lines are told in order, also where one has to be fetched first; the end is told after the last one. */
    let lines: Promise<unknown> = Promise.resolve()
    const end = (settle: () => void) => {
      for (const off of cleanUp.splice(0)) off()
      settle()
    }
    const check = () => {
      getRun(runId).then(
        (run) => {
          if (run === null) end(() => reject(notFound(runId)))
          else if (isTerminal(run.status)) void lines.then(() => end(() => resolve(run)))
        },
        (reason: unknown) => end(() => reject(reason)),
      )
    }
    const onEvent = (event: RunEvent) => {
      if (event.runId !== runId) return
      if (event.type === 'run:progress') guarded(() => onProgress?.(event.progress))
      if (event.type === 'log:write' && onLog !== undefined) {
        const line = toLogLine(codec, event.log)
        const whole = event.truncated ? fullLine(line).catch(() => line) : line
        lines = lines.then(async () => {
          const told = await whole
          guarded(() => onLog(told))
        })
      }
      if (isTerminal(event.status)) check()
    }
    const onStatus = () => {
      const { state, error } = connection.status.get()
      const isOver = state === 'unavailable' || state === 'closed'
      if (isOver && error !== null) end(() => reject(error))
    }
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = () => end(() => reject(signal?.reason))
    signal?.addEventListener('abort', onAbort)
    cleanUp.push(() => signal?.removeEventListener('abort', onAbort))
    if (timeoutMs !== null) {
      const late = () => end(() => reject(tooLate(runId, timeoutMs)))
      cleanUp.push(afterMs(timeoutMs, late))
    }
    cleanUp.push(
      connection.onEvents((events) => events.forEach(onEvent)),
      connection.onReset(check),
      connection.status.subscribe(onStatus),
    )
    check()
  })
}

export function notFound(runId: string): StepwellError {
  return new StepwellError(
    'not_found',
    `There is no run ${runId} in this database. It may have been deleted, or belong to another database.`,
  )
}

function tooLate(runId: string, timeoutMs: number): StepwellError {
  return new StepwellError(
    'timeout',
    `The run ${runId} did not end within ${timeoutMs} ms. It goes on; cancel it if it should not.`,
  )
}
