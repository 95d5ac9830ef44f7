/**
 * What is known of a run's children: events and answers in, a list out. It asks nobody anything. An event tells how a
 * child does; where it stands, its step and its place in the call, only an answer does.
 */
import { RUNS_LIMIT_MAX } from '../client/filters.js'
import type { Run, RunEvent, RunPage, RunStatus } from '../generated/protocol.js'
import type { ChildView } from './types.js'

export interface KnownChildren {
  /** By step and place; the same array until something changes. */
  list(): readonly ChildView[]
  /** Children of which only events are known. */
  readonly strangers: Set<string>
  /** Whether the event changes the list. */
  tell(event: RunEvent): boolean
  /** The newest children, `isWhole`: from the first page on, and there are no others. */
  read(page: RunPage, isWhole: boolean): void
}

interface State {
  readonly version: number
  readonly status: RunStatus
}

export function createKnownChildren(): KnownChildren {
  /** By events and answers, whichever is newer. */
  const states = new Map<string, State>()
  const shown = new Map<string, ChildView>()
  const strangers = new Set<string>()
  let order: readonly string[] = []
  let isOrderCurrent = true
  let list: readonly ChildView[] = []
  let isListCurrent = true
  /** Older children are not shown. */
  let floor = ''

  const learn = (runId: string, news: State): boolean => {
    const before = states.get(runId)
    if (before !== undefined && before.version >= news.version) return false
    states.set(runId, news)
    const child = shown.get(runId)
    if (child === undefined || child.status === news.status) return false
    shown.set(runId, { ...child, status: news.status })
    isListCurrent = false
    return true
  }
  const place = ({ id, jobName, parentStep, childIndex, version, status }: Run) => {
    strangers.delete(id)
    learn(id, { version, status })
    if (shown.has(id)) return
    const now = states.get(id)?.status ?? status
    const index = childIndex ?? 0
    shown.set(id, { runId: id, jobName, stepName: parentStep ?? '', index, status: now })
    isOrderCurrent = isListCurrent = false
  }
  const drop = (runId: string): boolean => {
    strangers.delete(runId)
    states.delete(runId)
    if (!shown.delete(runId)) return false
    isOrderCurrent = isListCurrent = false
    return true
  }
  return {
    strangers,
    list() {
      if (isListCurrent) return list
      if (!isOrderCurrent) order = inOrder([...shown.values()])
      list = order.flatMap((id) => shown.get(id) ?? [])
      isOrderCurrent = isListCurrent = true
      return list
    },
    tell({ type, runId, version, status }) {
      if (type === 'run:delete') return drop(runId)
      if (runId < floor) return false
      if (!shown.has(runId)) strangers.add(runId)
      return learn(runId, { version, status })
    },
    read({ runs, nextCursor }, isWhole) {
      for (const run of runs) place(run)
      if (isWhole) {
        floor = nextCursor ?? ''
        const there = new Set(runs.map(({ id }) => id))
        for (const id of shown.keys()) if (!there.has(id)) drop(id)
      }
      if (shown.size <= RUNS_LIMIT_MAX) return
      const ids = [...shown.keys()].sort().reverse()
      floor = ids[RUNS_LIMIT_MAX - 1] ?? ''
      for (const id of ids.slice(RUNS_LIMIT_MAX)) drop(id)
    },
  }
}

/** Steps in the order in which they made their children, and these by their place. */
function inOrder(children: readonly ChildView[]): readonly string[] {
  const first = new Map<string, string>()
  for (const { stepName, runId } of children) {
    const other = first.get(stepName)
    if (other === undefined || runId < other) first.set(stepName, runId)
  }
  const byPlace = (a: ChildView, b: ChildView) => {
    if (a.stepName === b.stepName) return a.index - b.index
    return (first.get(a.stepName) ?? '') < (first.get(b.stepName) ?? '') ? -1 : 1
  }
  return [...children].sort(byPlace).map(({ runId }) => runId)
}
