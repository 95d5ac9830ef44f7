/** The runs that an executor works on or has parked: from assignment to their stored end, their abort, or their adoption. */
import type { BlobReads } from '../blob-reads.js'
import type { Codec } from '../codec/codec.js'
import type {
  AbortReason,
  Assignment,
  Generation,
  Holding,
  RefusalReason,
  RunId,
  Step,
} from '../generated/protocol.js'
import type { AnyJob } from '../infer.js'
import type { ContextFeed } from './context.js'
import type { Outbox } from './outbox.js'
import { createParked } from './parked.js'
import { type ActiveRun, type Resumption, startRun } from './run.js'
import type { StopReason } from './stop-errors.js'
import type { Turns } from './turns.js'

/** A function that does not end after its abort is given up after this; its slot is free then. */
const RELEASE_MS_MAX = 2_000

export interface Assignments {
  readonly start: (assignment: Assignment, jobs: ReadonlyMap<string, AnyJob>) => void
  /** A parked run goes on; one that is not here is assigned by the engine. */
  readonly resume: (runId: RunId, resumption: Resumption) => void
  /** A step of a run does not wait any more. */
  readonly resolved: (runId: RunId, generation: Generation, step: Step) => void
  /** What a `hello` tells: what is at work. */
  readonly holding: () => Holding[]
  /** Gives adopted runs their new generations, aborts the others, and returns what was adopted. */
  readonly adopt: (adopted: readonly Holding[]) => ReadonlyMap<RunId, Generation>
  /** Tells the engine again which bodies run, and what wants to be woken. */
  readonly announce: () => void
  readonly abort: (runId: RunId, generation: Generation, reason: AbortReason) => void
  readonly refuse: (seq: number, runId: RunId, reason: RefusalReason) => void
  readonly stopAll: (reason: StopReason) => void
}

/** What every run of an executor shares. */
export interface Shared {
  readonly outbox: Outbox
  readonly turns: Turns
  /** As the latest connection wants it. */
  readonly codec: () => Codec
  readonly blobReads: BlobReads
  readonly logLinesMax: () => number
  readonly context: ContextFeed
  /** As the engine says. */
  readonly isOnline: () => boolean
  readonly parkedMax: number
}

export function createAssignments(shared: Shared): Assignments {
  const { outbox, turns, codec, blobReads, logLinesMax, context, isOnline } = shared
  const runs = new Map<RunId, ActiveRun>()
  /** Aborted for the engine, and their functions have not ended. */
  const leaving = new Set<string>()

  const forget = (run: ActiveRun) => {
    if (runs.get(run.runId) !== run) return
    runs.delete(run.runId)
    parked.delete(run.runId)
  }
  const discard = (run: ActiveRun, reason: StopReason) => {
    forget(run)
    outbox.drop(run.runId)
    run.stop(reason)
  }
  const parked = createParked(shared.parkedMax, (runId) => {
    const run = runs.get(runId)
    if (run !== undefined) discard(run, 'evicted')
  })
  /** Aborts a run for the engine, and says when its slot is free. */
  const leave = (run: ActiveRun, reason: StopReason) => {
    const { runId } = run
    const generation = run.generation()
    const key = keyOf(runId, generation)
    leaving.add(key)
    discard(run, reason)
    void settledWithinMs(run.settled, RELEASE_MS_MAX).then(() => {
      leaving.delete(key)
      outbox.tell({ type: 'released', runId, generation })
    })
  }
  return {
    start(assignment, jobs) {
      const { runId } = assignment
      const job = jobs.get(assignment.jobName)
      // The jobs changed while the assignment was on its way. The `hello` that told so does not hold this run, and so the
      // engine takes it back.
      if (job === undefined) return
      const previous = runs.get(runId)
      if (previous !== undefined) discard(previous, 'lease_lost')
      const run = startRun({
        job,
        assignment,
        outbox,
        turns,
        codec: codec(),
        blobReads,
        logLinesMax: logLinesMax(),
        context,
        isOnline,
        onParked: () => parked.add(runId),
        onActive: () => parked.delete(runId),
        onEnd: () => forget(run),
      })
      runs.set(runId, run)
    },
    resume(runId, resumption) {
      const run = runs.get(runId)
      if (run?.isParked() === true) run.resume(resumption)
      else outbox.tell({ type: 'unresumable', runId, generation: resumption.generation })
    },
    resolved(runId, generation, step) {
      const run = runs.get(runId)
      if (run?.generation() === generation) run.resolved(step)
    },
    holding: () =>
      [...runs.values()]
        .filter((run) => !run.isParked())
        .map((run) => ({ runId: run.runId, generation: run.generation() })),
    adopt(adopted) {
      const generations = new Map<RunId, Generation>()
      for (const { runId, generation } of adopted) generations.set(runId, generation)
      for (const run of [...runs.values()]) {
        // What is parked has no lease, and waits for its `resume` under any engine.
        if (run.isParked()) continue
        const generation = generations.get(run.runId)
        if (generation === undefined) discard(run, 'lease_lost')
        else run.adopt(generation)
      }
      return generations
    },
    announce() {
      for (const run of runs.values()) run.announce()
    },
    abort(runId, generation, reason) {
      const run = runs.get(runId)
      if (run?.generation() === generation) leave(run, reason)
      else if (!leaving.has(keyOf(runId, generation))) {
        outbox.tell({ type: 'released', runId, generation })
      }
    },
    refuse(seq, runId, reason) {
      const run = runs.get(runId)
      if (run !== undefined && outbox.has(seq)) leave(run, reason)
    },
    stopAll(reason) {
      for (const run of [...runs.values()]) discard(run, reason)
    },
  }
}

function keyOf(runId: RunId, generation: Generation): string {
  return `${runId}:${generation}`
}

function settledWithinMs(promise: Promise<void>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    void promise.then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
