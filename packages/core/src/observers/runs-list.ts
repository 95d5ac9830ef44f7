/**
 * The runs that a list shows: the newest ones that fit its filter, newest first, down to a floor. Whatever fits and is
 * not below the floor is in the list, so that the page which begins at the floor neither skips a run nor repeats one,
 * however many came or went in the meantime. Pure: each function gives the same list where nothing changes.
 */
import type { UntypedRun } from '../client/convert.js'

export interface RunList {
  /** Newest first: ids sort by creation. */
  readonly runs: readonly UntypedRun[]
  /** Nothing is known of runs with a smaller id; `null` where there are none. */
  readonly floor: string | null
}

export function covers({ floor }: RunList, runId: string): boolean {
  return floor === null || runId >= floor
}

export function runOf({ runs }: RunList, runId: string): UntypedRun | undefined {
  const run = runs[placeOf(runs, runId)]
  return run?.id === runId ? run : undefined
}

/** With that run, at its place, instead of what was known of it. */
export function withRun(list: RunList, run: UntypedRun): RunList {
  const place = placeOf(list.runs, run.id)
  const known = list.runs[place]
  if (known === run) return list
  const rest = list.runs.slice(known?.id === run.id ? place + 1 : place)
  return { ...list, runs: [...list.runs.slice(0, place), run, ...rest] }
}

export function withoutRun(list: RunList, runId: string): RunList {
  const place = placeOf(list.runs, runId)
  if (list.runs[place]?.id !== runId) return list
  return { ...list, runs: [...list.runs.slice(0, place), ...list.runs.slice(place + 1)] }
}

/** At most so many: the oldest are let go, and the floor rises above them. */
export function trimmed(list: RunList, capacity: number): RunList {
  if (list.runs.length <= capacity) return list
  const runs = list.runs.slice(0, capacity)
  return { runs, floor: runs.at(-1)?.id ?? list.floor }
}

/** Where that id is, or where it would be put in. */
function placeOf(runs: readonly UntypedRun[], runId: string): number {
  let from = 0
  let to = runs.length
  while (from < to) {
    const middle = (from + to) >>> 1
    const run = runs[middle]
    if (run !== undefined && run.id > runId) from = middle + 1
    else to = middle
  }
  return from
}
