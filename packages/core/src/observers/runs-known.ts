/**
 * What is known of the runs that a list shows, and which of them have to be read: events and answers in, a list out. It
 * asks nobody anything.
 *
 * What an event tells is patched in. Only a run that is new to the list, or of which an event does not tell all (an
 * output, a failure), has to be read. Events that come while something is being read are kept beside it (`told`): an
 * answer that is older than an event must not undo it.
 */
import type { UntypedRun } from '../client/convert.js'
import type { RunEvent } from '../generated/protocol.js'
import { isSameProgress, reduceRow } from './reduce.js'
import { fitsStatus, fitsTime, mayShow, type RunsWanted } from './runs-filter.js'
import { covers, type RunList, runOf, trimmed, withoutRun, withRun } from './runs-list.js'

/** Runs that were read and lie outside of the times asked for: so many are remembered, not to be read again. */
const STRANGERS_MAX = 10_000

export interface KnownRuns {
  /** `null` before the first page. */
  readonly list: RunList | null
  /** The runs that have to be read, newest first. */
  wanted(): readonly string[]
  /** Something is read from now on, until `end`: those runs, or a page. */
  begin(runIds: readonly string[]): void
  end(): void
  tell(event: RunEvent): void
  /** The answer for a run. `null`: there is none. */
  read(runId: string, run: UntypedRun | null): void
  /** The answer for the runs below the floor. */
  page(runs: readonly UntypedRun[], floor: string | null): void
  /** Everything, read anew. */
  load(runs: readonly UntypedRun[], floor: string | null): void
  trim(capacity: number): void
  forget(): void
}

export function createKnownRuns(query: RunsWanted): KnownRuns {
  let list: RunList | null = null
  const wanted = new Set<string>()
  /** Runs whose answer is on its way. */
  const asked = new Set<string>()
  let isReading = false
  /** The events of each run since the read under way began. */
  const told = new Map<string, RunEvent[]>()
  const strangers = new Set<string>()

  const want = (runId: string) => {
    // Whether its answer is new enough shows when it is here.
    if (!asked.has(runId)) wanted.add(runId)
  }
  const follow = (known: RunList, event: RunEvent): RunList => {
    const { runId, status, version, type } = event
    const run = runOf(known, runId)
    // An event of the version that is known tells of the way there: its status may be an earlier one.
    const isNews = run === undefined || version > run.version
    if (type === 'run:delete' || (isNews && !fitsStatus(query, status))) {
      wanted.delete(runId)
      return withoutRun(known, runId)
    }
    if (run === undefined) {
      if (covers(known, runId) && !strangers.has(runId)) want(runId)
      return known
    }
    const reduced = reduceRow(run, event)
    if (reduced.isStale) want(runId)
    return withRun(known, reduced.run)
  }
  /** A run as it was read, and what was told of it in the meantime. */
  const settle = (known: RunList, run: UntypedRun): RunList => {
    if (!fitsTime(query, run)) {
      if (strangers.size >= STRANGERS_MAX) strangers.clear()
      strangers.add(run.id)
      return withoutRun(known, run.id)
    }
    const events = told.get(run.id) ?? []
    if (!fitsStatus(query, run.status)) {
      const news = events.filter(({ version }) => version > run.version)
      return news.reduce(follow, withoutRun(known, run.id))
    }
    const shown = runOf(known, run.id)
    const isKnown = shown !== undefined && isSameRun(shown, run)
    return events.reduce(follow, isKnown ? known : withRun(known, run))
  }
  /** Runs that came to fit while a page was read, and are not in it. */
  const followTold = (known: RunList): RunList => {
    let next = known
    for (const [runId, events] of told) {
      if (runOf(next, runId) === undefined) next = events.reduce(follow, next)
    }
    return next
  }
  return {
    get list() {
      return list
    },
    wanted() {
      for (const runId of wanted) {
        if (list === null || !covers(list, runId)) wanted.delete(runId)
      }
      return [...wanted].sort().reverse()
    },
    begin(runIds) {
      isReading = true
      for (const runId of runIds) {
        wanted.delete(runId)
        asked.add(runId)
      }
    },
    end() {
      isReading = false
      asked.clear()
      told.clear()
    },
    tell(event) {
      if (event.type === 'log:write' || !mayShow(query, event)) return
      if (isReading) {
        const events = told.get(event.runId)
        if (events === undefined) told.set(event.runId, [event])
        else events.push(event)
      }
      if (list !== null) list = follow(list, event)
    },
    read(runId, run) {
      asked.delete(runId)
      if (list === null) return
      if (run === null) list = withoutRun(list, runId)
      else if (covers(list, runId)) list = settle(list, run)
    },
    page(runs, floor) {
      if (list !== null) list = followTold(runs.reduce(settle, { ...list, floor }))
    },
    load(runs, floor) {
      const before = list
      const kept = runs.map((run) => {
        const shown = before === null ? undefined : runOf(before, run.id)
        return shown !== undefined && isSameRun(shown, run) ? shown : run
      })
      wanted.clear()
      list = followTold(kept.reduce(settle, { runs: kept, floor }))
    },
    trim(capacity) {
      if (list !== null) list = trimmed(list, capacity)
    },
    forget() {
      list = null
      wanted.clear()
      strangers.clear()
    },
  }
}

/** A run's version rises with every write but that of its progress. */
function isSameRun(a: UntypedRun, b: UntypedRun): boolean {
  return (
    a.version === b.version && a.updatedAt === b.updatedAt && isSameProgress(a.progress, b.progress)
  )
}
