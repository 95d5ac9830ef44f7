/** One assignment: the execution of a job's function, from its input to its stored end, over suspensions. */
import type { BlobReads } from '../blob-reads.js'
import type { Codec } from '../codec/codec.js'
import type { Assignment, Generation, Step } from '../generated/protocol.js'
import type { AnyJob } from '../infer.js'
import { jobDefinition } from '../job.js'
import { validate } from '../schema.js'
import { sayStart } from './body.js'
import { learn } from './calls.js'
import type { ContextFeed } from './context.js'
import { createExecution } from './create-execution.js'
import { abortExecution, type Execution, endExecution } from './execution.js'
import type { Outbox } from './outbox.js'
import { type End, postEnd } from './run-end.js'
import type { RunLimit } from './run-limit.js'
import { createStep } from './step-api.js'
import type { StopReason } from './stop-errors.js'
import { blobIdsOfAssignment } from './stored-blobs.js'
import type { Turns } from './turns.js'

/** A run as the executor's connection sees it. */
export interface ActiveRun {
  readonly runId: string
  readonly generation: () => Generation
  readonly isParked: () => boolean
  /** Goes on under a restarted engine. */
  readonly adopt: (generation: Generation) => void
  /** Tells a restarted engine again which bodies run, and whether what is parked wants to go on. */
  readonly announce: () => void
  /** A step does not wait any more. */
  readonly resolved: (step: Step) => void
  /** Goes on where it was parked, with what has happened to its steps meanwhile. */
  readonly resume: (resumption: Resumption) => void
  /** Discards all that the execution still makes. */
  readonly stop: (reason: StopReason) => void
  /** Resolves when the function has returned or thrown. */
  readonly settled: Promise<void>
}

export interface Resumption {
  readonly generation: Generation
  readonly timeoutMs: number | undefined
  readonly steps: readonly Step[]
}

export interface RunOptions {
  readonly job: AnyJob
  readonly assignment: Assignment
  readonly outbox: Outbox
  readonly codec: Codec
  readonly blobReads: BlobReads
  readonly logLinesMax: number
  readonly turns: Turns
  readonly context: ContextFeed
  readonly isOnline: () => boolean
  /** The function waits in memory, until `onActive` or `onEnd`. */
  readonly onParked: () => void
  readonly onActive: () => void
  /** The run's end is stored. */
  readonly onEnd: () => void
}

export function startRun(options: RunOptions): ActiveRun {
  const { runId, timeoutMs } = options.assignment
  const broken = withRejector()
  const { execution, limit } = createExecution(options, broken.reject)
  const { suspension } = execution
  limit.start(timeoutMs)
  /** While a resumed run waits for its context: what its function will be told. */
  let told: Step[] | null = null
  const goOn = (steps: readonly Step[]) =>
    suspension.resume(() => {
      for (const step of steps) learn(execution, step)
    })
  return {
    runId,
    generation: () => execution.generation,
    isParked: () => suspension.state() === 'parked' && told === null,
    adopt(generation) {
      execution.generation = generation
    },
    announce() {
      for (const [stepName, body] of execution.bodies) sayStart(execution, stepName, body)
      suspension.announce()
    },
    resolved(step) {
      if (told === null) learn(execution, step)
      else told.push(step)
    },
    resume({ generation, timeoutMs, steps }) {
      execution.generation = generation
      limit.start(timeoutMs)
      const ready = execution.context.renew()
      if (ready === null) return goOn(steps)
      const tell = [...steps]
      told = tell
      const go = (known: readonly Step[]) => {
        told = null
        if (execution.phase !== 'aborted') goOn(known)
      }
      ready.then(
        () => go(tell),
        (reason: unknown) => {
          execution.fail(reason)
          // The function is told nothing: it would go on with what has gone stale.
          go([])
        },
      )
    },
    stop(reason) {
      limit.stop()
      abortExecution(execution, reason)
    },
    settled: execute(execution, options, broken.promise, limit),
  }
}

/** A promise that may be rejected at any time, and that nobody needs to handle. */
function withRejector(): { promise: Promise<never>; reject: (reason: unknown) => void } {
  let reject: (reason: unknown) => void = () => undefined
  const promise = new Promise<never>((_, rejectPromise) => {
    reject = rejectPromise
  })
  promise.catch(() => undefined)
  return { promise, reject }
}

/** Never rejects. */
async function execute(
  execution: Execution,
  { job, onEnd }: RunOptions,
  broken: Promise<never>,
  limit: RunLimit,
): Promise<void> {
  const { name, output: schema } = jobDefinition(job)
  const { suspension, codec } = execution
  const what = `The output of job "${name}"`
  let end: End
  try {
    const value = await functionOf(execution, job, broken)
    limit.stop()
    // It may have ended by itself while it was parked.
    if (suspension.state() !== 'active') await new Promise<void>(suspension.whenActive)
    endExecution(execution)
    const output = schema === undefined ? value : await validate(schema, value, what)
    end = { output: codec.encode(output, what) }
  } catch (thrown) {
    limit.stop()
    if (suspension.state() !== 'active') await new Promise<void>(suspension.whenActive)
    // What fails after the signal has fired failed for that.
    end = { thrown: execution.phase === 'running' ? (limit.reached() ?? thrown) : thrown }
    endExecution(execution)
  }
  if (execution.phase !== 'aborted') postEnd(execution, end, onEnd)
}

/** Everything that the assignment names is read before the function starts: replayed results then come in their order. */
async function functionOf(
  execution: Execution,
  job: AnyJob,
  broken: Promise<never>,
): Promise<unknown> {
  const { run } = jobDefinition(job)
  const { context, blobs, assignment, codec } = execution
  if (context.ready !== null) await context.ready
  const reading = blobs.read(blobIdsOfAssignment(assignment))
  if (reading !== null) await reading
  if (execution.phase === 'aborted') return undefined
  const step = createStep(execution)
  // In a microtask of its own, so that a function that throws at once rejects like one that throws later.
  const returned = Promise.resolve(codec.decode(assignment.input, blobs.all)).then((input) =>
    run(step, input),
  )
  return await Promise.race([returned, broken])
}
