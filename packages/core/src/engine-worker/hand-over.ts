/**
 * When another tab should lead, in good order: one whose code has jobs that wait and that this tab's code lacks, or a
 * visible one where this page asks for that. Only when nothing runs; what is in the middle of something is not moved.
 */
import type { ClientId, EngineStatus } from '../generated/protocol.js'
import type { Followers } from './followers.js'

export interface HandOverOptions {
  readonly followers: Pick<Followers, 'find'>
  /** How many runs executors work on now. */
  readonly activeRuns: () => number
  readonly handOver: (to: ClientId) => void
}

export interface HandOver {
  /** The jobs of this tab's code. */
  setJobs(jobs: readonly string[]): void
  setStatus(status: EngineStatus): void
  /** Something has changed: a batch was committed, or a follower has come. */
  consider(): void
  /** This page is no good place now. */
  yieldToVisible(): void
}

export function createHandOver(options: HandOverOptions): HandOver {
  const { followers, activeRuns, handOver } = options
  let own: ReadonlySet<string> = new Set()
  let unserved: readonly string[] = []
  /** Jobs that this tab's code lacks: where it has one that is not served, its worker is broken, and so may be others'. */
  let lacking: readonly string[] = []
  let isOver = false

  const compare = () => {
    lacking = unserved.filter((job) => !own.has(job))
  }
  const give = (to: ClientId | null) => {
    if (to === null) return
    isOver = true
    handOver(to)
  }
  return {
    setJobs(jobs) {
      own = new Set(jobs)
      compare()
    },
    setStatus({ unservedJobs }) {
      unserved = unservedJobs
      compare()
    },
    consider() {
      if (isOver || lacking.length === 0 || activeRuns() > 0) return
      give(followers.find(({ jobs }) => lacking.some((job) => jobs.includes(job))))
    },
    yieldToVisible() {
      if (isOver || activeRuns() > 0) return
      give(followers.find(({ isVisible }) => isVisible))
    },
  }
}
