/** One assignment: the execution of a job's function, from its input to its stored end. */
import type { BlobReads } from '../blob-reads.js'
import { blobIdsOf, type Codec, type Encoded, type ReadBlobs } from '../codec/codec.js'
import type { StepwellError } from '../errors.js'
import type { Assignment, BlobId, Generation, Report } from '../generated/protocol.js'
import type { AnyJob } from '../infer.js'
import { jobDefinition } from '../job.js'
import { retryDelayMs } from '../job-errors.js'
import { validate } from '../schema.js'
import type { ContextFeed } from './context.js'
import { abortExecution, type Execution, endExecution, type StopReason } from './execution.js'
import { causes, type FailurePlace, toFailure } from './failure.js'
import type { Outbox } from './outbox.js'
import { createReleases } from './releases.js'
import { createReports } from './reports.js'
import { createStep } from './step-api.js'
import type { Turns } from './turns.js'

/** A run as the executor's connection sees it. */
export interface ActiveRun {
  readonly runId: string
  readonly generation: () => Generation
  /** Goes on under a restarted engine, which is told again which bodies run. */
  readonly adopt: (generation: Generation) => void
  readonly announceBodies: () => void
  /** Discards all that the execution still makes. */
  readonly stop: (reason: StopReason) => void
  /** Resolves when the function has returned or thrown. */
  readonly settled: Promise<void>
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
  /** The run's end is stored. */
  readonly onEnd: () => void
}

export function startRun(options: RunOptions): ActiveRun {
  const { assignment, outbox, codec, turns, context } = options
  const { runId, logCount } = assignment
  const controller = new AbortController()
  const broken = withRejector()
  const execution: Execution = {
    assignment,
    generation: assignment.generation,
    phase: 'running',
    controller,
    context: context.start(controller.signal),
    outbox,
    codec,
    blobs: new Map(),
    reports: createReports({
      codec,
      linesMax: options.logLinesMax,
      linesStored: logCount,
      send(report) {
        const { generation } = execution
        outbox.post({ type: 'report', runId, generation, report }, [], { onAck: () => undefined })
        outbox.flush()
      },
    }),
    releases: createReleases(turns),
    inFlight: new Map(),
    openSteps: new Set(),
    thrownBy: new Map(),
    fail: broken.reject,
  }
  const settled = execute(execution, options, broken.promise)
  return {
    runId,
    generation: () => execution.generation,
    adopt(generation) {
      execution.generation = generation
    },
    announceBodies() {
      const { generation } = execution
      for (const [stepName, { attempt }] of execution.inFlight) {
        const timeoutMs = undefined
        const retry = undefined
        outbox.tell({ type: 'stepStart', runId, generation, stepName, attempt, timeoutMs, retry })
      }
    },
    stop: (reason) => abortExecution(execution, reason),
    settled,
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
  { job, blobReads, onEnd }: RunOptions,
  broken: Promise<never>,
): Promise<void> {
  const { name, output: schema, run } = jobDefinition(job)
  const { codec, assignment } = execution
  const what = `The output of job "${name}"`
  let end: End
  try {
    if (execution.context.ready !== null) await execution.context.ready
    const ids = blobIdsOfAssignment(assignment)
    if (ids.length > 0) execution.blobs = await readBlobs(blobReads, ids)
    if (execution.phase === 'aborted') return
    const step = createStep(execution)
    // In a microtask of its own, so that a function that throws at once rejects like one that throws later.
    const returned = Promise.resolve(codec.decode(assignment.input, execution.blobs)).then(
      (input) => run(step, input),
    )
    const value = await Promise.race([returned, broken])
    endExecution(execution)
    const output = schema === undefined ? value : await validate(schema, value, what)
    end = { output: codec.encode(output, what) }
  } catch (thrown) {
    endExecution(execution)
    end = { thrown }
  }
  if (execution.phase !== 'aborted') postEnd(execution, end, onEnd)
}

/** All of them before the function starts: replayed results are then at hand, and come in their order. */
function blobIdsOfAssignment({ input, memo }: Assignment): readonly BlobId[] {
  return [input, ...memo.map(({ output = '' }) => output)].flatMap(blobIdsOf)
}

/** By reference: no content is read. One that is not there is missed where its value is decoded. */
async function readBlobs(reads: BlobReads, ids: readonly BlobId[]): Promise<ReadBlobs> {
  const blobs = new Map<BlobId, Blob>()
  const read = async (id: BlobId) => {
    const blob = await reads.read(id)
    if (blob !== null) blobs.set(id, blob)
  }
  await Promise.all([...new Set(ids)].map(read))
  return blobs
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
  const message = { runId: assignment.runId, generation, error, report }
  const retryAfterMs = retryDelayMs(thrown, Date.now())
  outbox.post({ type: 'runFail', ...message, isRetryable: false, retryAfterMs }, [], {
    onAck: onEnd,
  })
}

/** The step that threw this, or what caused it. */
function placeOf({ thrownBy, assignment }: Execution, thrown: unknown): FailurePlace {
  for (const cause of causes(thrown)) {
    const place = thrownBy.get(cause)
    if (place !== undefined) return place
  }
  return { attempt: assignment.attempt, stepName: undefined }
}
