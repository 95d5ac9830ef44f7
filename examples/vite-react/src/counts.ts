/** What the evidence says. Pure. */
import type { Step } from '@stepwell/react'
import type { Evidence, Start } from './evidence.ts'

/** A worker died and another one went on. */
export interface Crash {
  /** When the button was pressed; without a button (a killed browser) the last that was heard of the worker. */
  readonly at: number
  /** From then to the next body of a batch; `null` without a button, for nobody knows when it was killed. */
  readonly startMs: number | null
  /** From then to the next committed batch; `null` as above, and while there is none. */
  readonly commitMs: number | null
}

/** A body that gave no committed result: it failed, or it was cut off. */
export interface Lost {
  readonly start: Start
  readonly why: 'failed or cancelled' | 'cut off'
  /** When the next body of that batch began. */
  readonly until: number
}

export interface Counts {
  readonly crashes: readonly Crash[]
  readonly committed: number
  /** Bodies that ran again after a crash. */
  readonly repeated: number
  /** Of those, the ones whose result was already committed: the promise is that this is 0. */
  readonly repeatedCommitted: number
  readonly lost: readonly Lost[]
}

export function countEvidence({ starts, presses }: Evidence, steps: readonly Step[]): Counts {
  const committedAt = new Map<string, number>()
  for (const step of steps) {
    if (step.status === 'completed') committedAt.set(step.name, step.completedAt ?? 0)
  }
  const commits = [...committedAt.values()].sort((a, b) => a - b)
  const crashes: Crash[] = []
  const lost: Lost[] = []
  const latest = new Map<number, Start>()
  let repeatedCommitted = 0
  let previous: Start | undefined
  /** Since when `previous.worker` is at work: what was pressed before that did not end it. */
  let since = 0

  for (const start of starts) {
    const earlier = latest.get(start.batch)
    if (earlier !== undefined) {
      const why = earlier.attempt === start.attempt ? 'cut off' : 'failed or cancelled'
      lost.push({ start: earlier, why, until: start.at })
    }
    if (start.at > (committedAt.get(`batch-${start.batch}`) ?? Number.POSITIVE_INFINITY)) {
      repeatedCommitted += 1
    }
    latest.set(start.batch, start)
    // Between two attempts of the run nothing was at work that could have died.
    if (previous?.attempt === start.attempt && previous.worker !== start.worker) {
      const from = since
      const press = presses.findLast(({ at }) => at >= from && at <= start.at)
      // What a worker still began after the press shows that it was alive then.
      const at = Math.max(press?.at ?? 0, previous.at)
      const commit = commits.find((time) => time > start.at)
      crashes.push({
        at,
        startMs: press === undefined ? null : start.at - at,
        commitMs: press === undefined || commit === undefined ? null : commit - at,
      })
    }
    if (previous?.worker !== start.worker) since = start.at
    previous = start
  }
  return {
    crashes,
    committed: commits.length,
    repeated: lost.filter(({ why }) => why === 'cut off').length,
    repeatedCommitted,
    lost,
  }
}

const RATE_STEPS = 100

/** Of the latest committed steps, by the engine's times; `null` before there are two. */
export function stepsPerSecond(steps: readonly Step[]): number | null {
  const times: number[] = []
  for (const { completedAt, status } of steps.slice(-RATE_STEPS)) {
    if (status === 'completed' && completedAt !== null) times.push(completedAt)
  }
  const [first] = times
  const last = times.at(-1)
  if (first === undefined || last === undefined || last === first) return null
  return (1000 * (times.length - 1)) / (last - first)
}
