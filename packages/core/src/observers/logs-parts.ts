/** What is behind an entry of a run's log: the newest lines, appended to as they are stored. */

import { toLogLine } from '../client/convert.js'
import type { Commands } from '../client/core.js'
import { LEVELS } from '../client/filters.js'
import { type StepwellError, toStepwellError } from '../errors.js'
import type { RunEvent } from '../generated/protocol.js'
import type { LogLine } from '../types.js'
import type { EntryParts } from './cache.js'
import { cancelFrame, inNextFrame } from './frame.js'
import { handled } from './handled.js'
import type { LogsFunctions, LogsState, LogsWanted } from './logs-entry.js'
import { obstacleOf } from './view.js'

/** How many lines are read at once after a reset: a larger answer would take the page longer than a frame allows. */
const CATCH_UP_LINES = 1000
/** How many older lines `loadOlder` reads at once. */
const OLDER_LINES = 200

interface Lines {
  /** Oldest first. */
  readonly logs: readonly LogLine[]
  readonly droppedCount: number
  readonly hasOlder: boolean
}

const NO_LINES: Lines = { logs: [], droppedCount: 0, hasOlder: false }

/** Adds lines, of which some may be known, at the end, and drops the oldest over the limit. Pure. */
export function appendLines(lines: Lines, added: readonly LogLine[], limit: number): Lines {
  const lastId = lines.logs.at(-1)?.id ?? -1
  const fresh = added.filter(({ id }) => id > lastId)
  if (fresh.length === 0) return lines
  const logs = [...lines.logs, ...fresh]
  const over = Math.max(0, logs.length - limit)
  return {
    logs: logs.slice(over),
    droppedCount: lines.droppedCount + over,
    hasOlder: lines.hasOlder || over > 0,
  }
}

/** Adds a page of older lines, newest first as it was read, at the start. Pure. */
export function prependLines(lines: Lines, page: readonly LogLine[], hasOlder: boolean): Lines {
  const firstId = lines.logs[0]?.id ?? Number.POSITIVE_INFINITY
  const older = page.filter(({ id }) => id < firstId).reverse()
  return {
    logs: [...older, ...lines.logs],
    droppedCount: Math.max(0, lines.droppedCount - older.length),
    hasOlder,
  }
}

export type LogsParts = EntryParts<LogsState> & LogsFunctions

export function createLogsParts(
  core: Commands,
  { runId, level, limit }: LogsWanted,
  changed: () => void,
): LogsParts {
  const levelMin = level === undefined ? 0 : LEVELS.indexOf(level)
  const levelOption = level === undefined ? {} : { level }
  let lines = NO_LINES
  /** Grows by what `loadOlder` reads. */
  let capacity = limit
  let isLoaded = false
  let isStarted = false
  let error: StepwellError | null = null
  /** The newest line that is known of, shown or cleared. */
  let lastId = 0
  let isReading = false
  let isReadAgain = false
  let older: Promise<void> | null = null

  const makeView = (): LogsState => {
    const obstacle = obstacleOf(core.status.get()) ?? error
    const status = obstacle !== null ? 'unavailable' : isLoaded ? 'ready' : 'loading'
    return { status, error: obstacle, ...lines }
  }
  const show = () => {
    cancelFrame(show)
    view = makeView()
    changed()
  }
  const append = (added: readonly LogLine[]) => {
    lines = appendLines(
      lines,
      added.filter(({ id }) => id > lastId),
      capacity,
    )
    lastId = Math.max(lastId, added.at(-1)?.id ?? 0)
  }
  /** The newest lines at first; after a reset all that came since. */
  const fetch = async () => {
    if (!isLoaded) {
      const page = await core.getLogs(runId, { ...levelOption, order: 'desc', limit })
      lines = { ...lines, hasOlder: page.nextCursor !== null }
      append([...page.logs].reverse())
      isLoaded = true
      return
    }
    let cursor: number | null = lastId
    while (cursor !== null) {
      const page = await core.getLogs(runId, { ...levelOption, cursor, limit: CATCH_UP_LINES })
      append(page.logs)
      cursor = page.nextCursor
    }
  }
  const read = () => {
    if (!isStarted) return
    isReadAgain = isReading
    if (isReading) return
    isReading = true
    fetch()
      .then(
        () => {
          error = null
        },
        (reason: unknown) => {
          error = obstacleOf(core.status.get()) === null ? toStepwellError(reason) : null
        },
      )
      .finally(() => {
        isReading = false
        if (isReadAgain) read()
        show()
      })
  }
  const complete = async (line: LogLine) => {
    const whole = await core.watched.fullLine(line)
    lines = { ...lines, logs: lines.logs.map((other) => (other.id === line.id ? whole : other)) }
    inNextFrame(show)
  }
  const readOlder = async () => {
    const cursor = lines.logs[0]?.id ?? lastId + 1
    const page = await core.getLogs(runId, {
      ...levelOption,
      order: 'desc',
      cursor,
      limit: OLDER_LINES,
    })
    capacity += page.logs.length
    lines = prependLines(lines, page.logs, page.nextCursor !== null)
    show()
  }
  const forget = () => {
    isLoaded = false
    lines = NO_LINES
    lastId = 0
    capacity = limit
  }
  const functions: LogsFunctions = {
    loadOlder() {
      older ??= handled(
        readOlder().finally(() => {
          older = null
        }),
      )
      return older
    },
    clear() {
      lines = { logs: [], droppedCount: 0, hasOlder: lines.hasOlder || lines.logs.length > 0 }
      capacity = limit
      show()
    },
  }
  let view = makeView()
  return {
    ...functions,
    runId,
    get: () => view,
    start() {
      isStarted = true
      show()
      read()
    },
    stop() {
      isStarted = false
      forget()
    },
    onEvents(events) {
      if (events.some(({ type }) => type === 'run:delete')) {
        forget()
        return read()
      }
      const added = events.filter(isLogWrite).filter(({ log }) => {
        return LEVELS.indexOf(log.level) >= levelMin
      })
      if (added.length === 0) return
      // A read that is under way has them, or is followed by one that has.
      if (isReading || !isLoaded) return read()
      append(added.map(({ log }) => toLogLine(core.codec, log)))
      inNextFrame(show)
      for (const { log, truncated } of added) {
        if (truncated) complete(toLogLine(core.codec, log)).catch(() => undefined)
      }
    },
    onReset: read,
    onStatus: show,
  }
}

function isLogWrite(event: RunEvent): event is Extract<RunEvent, { type: 'log:write' }> {
  return event.type === 'log:write'
}
