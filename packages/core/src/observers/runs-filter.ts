/** Which runs a list shows, as far as an event or a run that was read tells. */
import type { UntypedRun } from '../client/convert.js'
import type { RunEvent, RunStatus } from '../generated/protocol.js'
import type { Labels } from '../infer.js'

/** Empty lists and labels do not restrict. */
export interface RunsWanted {
  readonly jobNames: string[]
  readonly statuses: RunStatus[]
  readonly labels: Record<string, string>
  readonly createdAfter: number | undefined
  readonly createdBefore: number | undefined
  /** Only children of this run. */
  readonly parentId: string | undefined
  /** Only runs that have no parent. */
  readonly rootsOnly: boolean
}

/** Whether all of these labels are among those of a run. */
export function hasLabels(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value)
}

/** Whether an event is of a run that may be shown, by what no run ever changes. */
export function mayShow(wanted: RunsWanted, { jobName, labels, parentId }: RunEvent): boolean {
  const { jobNames } = wanted
  if (wanted.parentId !== undefined && parentId !== wanted.parentId) return false
  if (wanted.rootsOnly && parentId !== undefined) return false
  if (jobNames.length > 0 && !jobNames.includes(jobName)) return false
  return hasLabels(labels, wanted.labels)
}

export function fitsStatus({ statuses }: RunsWanted, status: RunStatus): boolean {
  return statuses.length === 0 || statuses.includes(status)
}

/** As the engine takes it: from `createdAfter` on, before `createdBefore`. */
export function fitsTime({ createdAfter, createdBefore }: RunsWanted, run: UntypedRun): boolean {
  if (createdAfter !== undefined && run.createdAt < createdAfter) return false
  return createdBefore === undefined || run.createdAt < createdBefore
}
