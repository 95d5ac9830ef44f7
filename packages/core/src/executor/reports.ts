/**
 * One assignment's log lines and progress on their way to the engine: they ride along with the next message about the
 * run, or leave alone after `REPORT_MS`.
 */
import { blobIdsOf, type Codec, sizeOf } from '../codec/codec.js'
import { StepwellError } from '../errors.js'
import type { LogLevel, NewLog, Payload, Progress, Report } from '../generated/protocol.js'

const REPORT_MS = 100
/** So many lines, or so much in them, leave at once: code that blocks its thread must not pile them up. */
const LINES_PER_REPORT_MAX = 1_000
const SIZE_PER_REPORT_MAX = 256 * 1024
const MESSAGE_CHARS_MAX = 16 * 1024
const DATA_SIZE_MAX = 256 * 1024

/** Who writes a line. */
export interface LogSource {
  /** `undefined` between steps. */
  readonly stepName: string | undefined
  readonly attempt: number
}

export interface Reports {
  readonly log: (source: LogSource, level: LogLevel, message: unknown, data: unknown) => void
  /** Throws `invalid_input`. The last call before a report leaves wins. */
  readonly progress: (current: unknown, total: unknown, message: unknown) => void
  /** What has not left yet, to go with another message. */
  readonly take: () => Report
  /** Nothing leaves alone until `flow`: the run is not at work, and what is said of it now would not be stored. */
  readonly hold: () => void
  readonly flow: () => void
  readonly stop: () => void
}

export interface ReportsOptions {
  readonly codec: Codec
  /** Then one line says that the rest was dropped. */
  readonly linesMax: number
  /** What earlier assignments of the run have stored. */
  readonly linesStored: number
  /** Sends a report alone, at once. */
  readonly send: (report: Report) => void
}

export function createReports({ codec, linesMax, linesStored, send }: ReportsOptions): Reports {
  let firstOrdinal = 1
  let lines: NewLog[] = []
  let size = 0
  let progress: Progress | undefined
  let timer: ReturnType<typeof setTimeout> | null = null
  let isHeld = false
  let isStopped = false

  const take = (): Report => {
    if (timer !== null) clearTimeout(timer)
    timer = null
    const report = { firstOrdinal, logs: lines, progress }
    firstOrdinal += lines.length
    lines = []
    size = 0
    progress = undefined
    return report
  }
  const leaveSoon = () => {
    if (isHeld) return
    timer ??= setTimeout(() => {
      timer = null
      send(take())
    }, REPORT_MS)
  }
  const push = (line: NewLog) => {
    lines.push(line)
    size += line.message.length + sizeOf(line.data ?? '')
    const isLarge = lines.length >= LINES_PER_REPORT_MAX || size >= SIZE_PER_REPORT_MAX
    if (isLarge && !isHeld) send(take())
    else leaveSoon()
  }
  return {
    log(source, level, message, data) {
      // The marker is stored as a line too: a later assignment of a full run finds it counted, and writes none.
      const count = linesStored + firstOrdinal + lines.length
      if (isStopped || count > linesMax + 1) return
      push(count <= linesMax ? line(codec, source, level, message, data) : full(source, linesMax))
    },
    progress(current, total, message) {
      const checked = checkedProgress(current, total, message)
      if (isStopped) return
      progress = checked
      leaveSoon()
    },
    take,
    hold() {
      isHeld = true
    },
    flow() {
      isHeld = false
      if (lines.length > 0 || progress !== undefined) leaveSoon()
    },
    stop() {
      isStopped = true
      take()
    },
  }
}

function line(
  codec: Codec,
  source: LogSource,
  level: LogLevel,
  message: unknown,
  data: unknown,
): NewLog {
  return {
    level,
    message: bounded(typeof message === 'string' ? message : shown(message)),
    data: data === undefined ? undefined : dataOf(codec, data),
    stepName: source.stepName,
    attempt: source.attempt,
    timestamp: Date.now(),
  }
}

function full({ attempt }: LogSource, linesMax: number): NewLog {
  return {
    level: 'warn',
    message:
      `Stepwell stores at most ${linesMax} log lines of a run (the option limits.logLines of createStepwell). All ` +
      'further lines of this run were dropped.',
    data: undefined,
    stepName: undefined,
    attempt,
    timestamp: Date.now(),
  }
}

/** A log line must never fail the work it tells of: what cannot be stored is explained in its place. */
function dataOf(codec: Codec, data: unknown): Payload {
  try {
    const { payload } = codec.encode(data, 'the data of this log line')
    if (blobIdsOf(payload).length > 0)
      return JSON.stringify('The data were dropped: a log line cannot keep Blobs and Files.')
    const size = sizeOf(payload)
    if (size <= DATA_SIZE_MAX) return payload
    return JSON.stringify(`The data were dropped: ${size} bytes, over ${DATA_SIZE_MAX}.`)
  } catch (error) {
    return JSON.stringify(`The data were dropped. ${shown(error)}`)
  }
}

function shown(value: unknown): string {
  try {
    return value instanceof Error ? value.message : String(value)
  } catch {
    return '(a value that cannot be shown)'
  }
}

function bounded(text: string): string {
  return text.length <= MESSAGE_CHARS_MAX ? text : `${text.slice(0, MESSAGE_CHARS_MAX - 1)}…`
}

function checkedProgress(current: unknown, total: unknown, message: unknown): Progress {
  if (typeof current !== 'number' || !Number.isFinite(current) || current < 0) {
    throw invalid('current', 'a finite number of at least 0', current)
  }
  if (total !== undefined && (typeof total !== 'number' || !Number.isFinite(total) || total < 0)) {
    throw invalid('total', 'a finite number of at least 0, or left out', total)
  }
  if (message !== undefined && typeof message !== 'string') {
    throw invalid('message', 'a string, or left out', message)
  }
  return { current, total, message: message === undefined ? undefined : bounded(message) }
}

function invalid(option: string, expected: string, actual: unknown): StepwellError {
  return new StepwellError(
    'invalid_input',
    `step.progress: "${option}" must be ${expected}, and is ${shown(actual)}.`,
  )
}
