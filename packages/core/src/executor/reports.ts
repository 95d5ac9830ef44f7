/**
 * One assignment's log lines and progress on their way to the engine: they ride along with the next message about the
 * run, or leave alone after `REPORT_MS`.
 */
import { encode } from '../codec.js'
import { StepwellError } from '../errors.js'
import type { LogLevel, NewLog, Progress, Report } from '../generated/protocol.js'

const REPORT_MS = 100
/** So many lines, or so much text, leave at once: code that blocks its thread must not pile them up. */
const LINES_PER_REPORT_MAX = 1_000
const CHARS_PER_REPORT_MAX = 256 * 1024
/** Then one line says that the rest was dropped. */
const LINES_PER_ASSIGNMENT_MAX = 100_000
const MESSAGE_CHARS_MAX = 16 * 1024
const DATA_CHARS_MAX = 256 * 1024

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
  readonly stop: () => void
}

/** @param send sends a report alone, at once. */
export function createReports(send: (report: Report) => void): Reports {
  let firstOrdinal = 1
  let lines: NewLog[] = []
  let chars = 0
  let progress: Progress | undefined
  let timer: ReturnType<typeof setTimeout> | null = null
  let isStopped = false

  const take = (): Report => {
    if (timer !== null) clearTimeout(timer)
    timer = null
    const report = { firstOrdinal, logs: lines, progress }
    firstOrdinal += lines.length
    lines = []
    chars = 0
    progress = undefined
    return report
  }
  const leaveSoon = () => {
    timer ??= setTimeout(() => {
      timer = null
      send(take())
    }, REPORT_MS)
  }
  const push = (line: NewLog) => {
    lines.push(line)
    chars += line.message.length + (line.data?.length ?? 0)
    if (lines.length >= LINES_PER_REPORT_MAX || chars >= CHARS_PER_REPORT_MAX) send(take())
    else leaveSoon()
  }
  return {
    log(source, level, message, data) {
      const ordinal = firstOrdinal + lines.length
      if (isStopped || ordinal > LINES_PER_ASSIGNMENT_MAX + 1) return
      push(
        ordinal <= LINES_PER_ASSIGNMENT_MAX
          ? line(source, level, message, data)
          : fullMarker(source),
      )
    },
    progress(current, total, message) {
      const checked = checkedProgress(current, total, message)
      if (isStopped) return
      progress = checked
      leaveSoon()
    },
    take,
    stop() {
      isStopped = true
      take()
    },
  }
}

function line(source: LogSource, level: LogLevel, message: unknown, data: unknown): NewLog {
  return {
    level,
    message: bounded(typeof message === 'string' ? message : shown(message)),
    data: data === undefined ? undefined : dataText(data),
    stepName: source.stepName,
    attempt: source.attempt,
    timestamp: Date.now(),
  }
}

function fullMarker(source: LogSource): NewLog {
  const message =
    `Stepwell stores at most ${LINES_PER_ASSIGNMENT_MAX} lines for each execution of a run. ` +
    'All further lines of this one were dropped.'
  return line({ ...source, stepName: undefined }, 'warn', message, undefined)
}

/** A log line must never fail the work it tells of: what cannot be stored is explained in its place. */
function dataText(data: unknown): string {
  try {
    const text = encode(data, 'the data of this log line')
    if (text.length <= DATA_CHARS_MAX) return text
    return JSON.stringify(
      `The data were dropped: ${text.length} characters of JSON, over ${DATA_CHARS_MAX}.`,
    )
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
