/** One assignment: the execution of a job's function, from its input to its stored end, over suspensions. */
import type { BlobReads } from '../blob-reads.js'
import type { Codec, Encoded } from '../codec/codec.js'
import { StepwellError } from '../errors.js'
import type { Assignment, Generation, Report, Step } from '../generated/protocol.js'
import type { AnyJob } from '../infer.js'
import { jobDefinition } from '../job.js'
import { retryDelayMs } from '../job-errors.js'
import { validate } from '../schema.js'
import { sayStart } from './body.js'
import { learn } from './calls.js'
import type { ContextFeed } from './context.js'
import {
  abortExecution,
  type Execution,
  endExecution,
  fireSignals,
  type StopReason,
} from './execution.js'
import { causes, type FailurePlace, toFailure } from './failure.js'
import { isFinal } from './finality.js'
import type { Outbox } from './outbox.js'
import { createReleases } from './releases.js'
import { createReports } from './reports.js'
import { createStep } from './step-api.js'
import { blobIdsOfAssignment, createStoredBlobs } from './stored-blobs.js'
import { createSuspension } from './suspension.js'
import { GRACE_MS, startLimit } from './time-limit.js'
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
  return {
    runId,
    generation: () => execution.generation,
    isParked: () => suspension.state() === 'parked',
    adopt(generation) {
      execution.generation = generation
    },
    announce() {
      for (const [stepName, body] of execution.bodies) sayStart(execution, stepName, body)
      suspension.announce()
    },
    resolved: (step) => learn(execution, step),
    resume(resumption) {
      execution.generation = resumption.generation
      suspension.resume(() => {
        limit.start(resumption.timeoutMs)
        for (const step of resumption.steps) learn(execution, step)
      })
    },
    stop(reason) {
      limit.stop()
      abortExecution(execution, reason)
    },
    settled: execute(execution, options, broken.promise, limit),
  }
}

/** How long the function may be at work. */
interface RunLimit {
  readonly start: (ms: number | undefined) => void
  readonly stop: () => void
  /** Why its signal fired, where that was for its timeout. */
  readonly reached: () => StepwellError | null
}

interface Created {
  readonly execution: Execution
  readonly limit: RunLimit
}

function createExecution(options: RunOptions, fail: Execution['fail']): Created {
  const { assignment, outbox, codec, turns, context } = options
  const { runId, logCount } = assignment
  const controller = new AbortController()
  const head = () => ({ runId, generation: execution.generation })
  const suspension = createSuspension({
    turns,
    mayWait: () => execution.phase === 'running' && limit.reached() === null,
    waits: () => [...execution.calls.values()].filter(isWaiting).map(({ name }) => name),
    suspend(waits, onAck) {
      const report = execution.reports.take()
      execution.reports.hold()
      const message = { type: 'suspend' as const, ...head(), waits, isParked: true, report }
      outbox.post(message, [], { onAck })
    },
    wake: () => outbox.tell({ type: 'wake', ...head() }),
    onParked() {
      limit.stop()
      options.onParked()
    },
    onActive() {
      if (execution.phase === 'aborted') return
      execution.reports.flow()
      options.onActive()
    },
  })
  const execution: Execution = {
    assignment,
    generation: assignment.generation,
    phase: 'running',
    controller,
    context: context.start(controller.signal),
    outbox,
    codec,
    isOnline: options.isOnline,
    blobs: createStoredBlobs(options.blobReads),
    reports: createReports({
      codec,
      linesMax: options.logLinesMax,
      linesStored: logCount,
      send(report) {
        suspension.begin()
        outbox.post({ type: 'report', ...head(), report }, [], { onAck: suspension.end })
        outbox.flush()
      },
    }),
    releases: createReleases(turns),
    suspension,
    memo: new Map(assignment.memo.map((stored) => [stored.name, { stored, ready: null }])),
    used: new Set(),
    calls: new Map(),
    bodies: new Map(),
    open: new Set(),
    thrownBy: new Map(),
    fail,
  }
  const limit = createRunLimit(execution)
  return { execution, limit }
}

function isWaiting(call: { readonly isWaiting: boolean }): boolean {
  return call.isWaiting
}

function createRunLimit(execution: Execution): RunLimit {
  const { runId, jobName } = execution.assignment
  let reached: StepwellError | null = null
  let stop: () => void = () => undefined
  return {
    start(ms) {
      stop()
      if (ms === undefined) return
      const error = (rest: string) =>
        new StepwellError(
          'timeout',
          `The function of run ${runId} (job "${jobName}") did not end within its timeout${rest}. Hand step.signal to ` +
            'what takes long, or give the job more time.',
        )
      stop = startLimit(ms, {
        onTime() {
          reached = error('')
          fireSignals(execution, reached)
        },
        onOver: () => execution.fail(error(`, nor in the ${GRACE_MS} ms after its signal`)),
      })
    },
    stop: () => stop(),
    reached: () => reached,
  }
}

/** A promise that may be rejected at any time, and that nobody needs to handle. */
function withRejector(): { promise: Promise<never>; reject: (error: StepwellError) => void } {
  let reject: (error: StepwellError) => void = () => undefined
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

type End = { readonly output: Encoded } | { readonly thrown: unknown }

function postEnd(execution: Execution, end: End, onEnd: () => void): void {
  const { outbox, reports, generation, assignment } = execution
  const head = { runId: assignment.runId, generation, report: reports.take() }
  if ('output' in end) {
    const { payload, blobs } = end.output
    const ids = blobs.map(({ id }) => id)
    outbox.post({ type: 'runComplete', ...head, output: payload, blobs: ids }, blobs, {
      onAck: onEnd,
      onUnstorable: (error) => postFailure(execution, error, head.report, onEnd),
    })
  } else {
    postFailure(execution, end.thrown, head.report, onEnd)
  }
  reports.stop()
}

function postFailure(
  execution: Execution,
  thrown: unknown,
  report: Report,
  onEnd: () => void,
): void {
  const { outbox, generation, assignment } = execution
  const error = toFailure(thrown, placeOf(execution, thrown))
  const head = { runId: assignment.runId, generation, error, report }
  const isRetryable = !isFinal(thrown)
  const retryAfterMs = retryDelayMs(thrown, Date.now())
  outbox.post({ type: 'runFail', ...head, isRetryable, retryAfterMs }, [], { onAck: onEnd })
}

/** The step that threw this, or what caused it. */
function placeOf({ thrownBy, assignment }: Execution, thrown: unknown): FailurePlace {
  for (const cause of causes(thrown)) {
    const place = thrownBy.get(cause)
    if (place !== undefined) return place
  }
  return { attempt: assignment.attempt, stepName: undefined }
}
