/** The wasm: the only module that knows it. */
import init, { StepwellEngine, salvageDatabase as salvage } from '../../wasm/stepwell_wasm.js'
import { fromErrorInfo, isStepwellError, StepwellError } from '../errors.js'
import type {
  BlobId,
  EngineStatus,
  Epoch,
  ErrorInfo,
  Input,
  Output,
  TimestampMs,
} from '../generated/protocol.js'
import type { OpenEngine } from '../wire.js'
import { type Beside, readOutput, writeInputs } from './crossing.js'

/** A blob and its bytes. */
export type BlobBytes = readonly [id: BlobId, bytes: Uint8Array]

/** An open engine. Every method may throw `WebAssembly.RuntimeError`: the instance is lost then. */
export interface EngineInstance {
  handle(inputs: readonly Input[]): Output
  /** What opening made; to be asked for once. */
  takeInitialOutput(): Output
  /** Whether the last `handle` found that the wall clock had been put back. */
  takeClockJump(): { from: TimestampMs; to: TimestampMs } | undefined
  epoch(): Epoch
  /** How many runs executors work on now. */
  activeRuns(): number
  status(): EngineStatus
  /** Upkeep, some milliseconds long. Whether there is more to do. */
  maintain(): boolean
  /** Those of the blobs to which no run refers. */
  unreferencedBlobs(ids: BlobId[]): BlobId[]
  /** The database as a file, with the given blobs in it. Throws what `infoOf` reads. */
  exportDatabase(blobs: readonly BlobBytes[]): Uint8Array
  /**
   * Replaces the database by an export, after checks, and returns the blobs in it; after that only `close` may be called.
   * Throws what `infoOf` reads, and nothing was written then.
   */
  importDatabase(bytes: Uint8Array): BlobBytes[]
  /** Closes the database and its file handles. Nothing may be called after it. */
  close(): void
  panic(): void
}

/** How long another worker's dying handles are waited for: a terminated worker's come free in 16–150 ms. */
const BUSY_MS_MAX = 5_000
const BUSY_RETRY_MS = [10, 20, 40, 80, 160]

let loaded: Promise<unknown> | null = null

/** Starts to load the wasm, once. Rejects with `StepwellError`. */
export async function loadEngine(wasmUrl: string | null): Promise<void> {
  // Without an argument the bindings fetch `new URL('stepwell_wasm_bg.wasm', import.meta.url)`: a literal beside the file
  // it names, which is the form that every bundler finds.
  loaded ??= wasmUrl === null ? init() : init({ module_or_path: wasmUrl })
  try {
    await loaded
  } catch (error) {
    loaded = null
    throw new StepwellError(
      'internal',
      `The engine could not be loaded from ${wasmUrl ?? 'stepwell_wasm_bg.wasm, beside its worker'} (${String(error)}). ` +
        `Check that ${wasmUrl === null ? 'it' : 'the address in the option wasmUrl'} is served, to this origin, as ` +
        "application/wasm, and that the Content-Security-Policy allows 'wasm-unsafe-eval'.",
    )
  }
}

/** What an engine is opened with. */
export type EngineRequest = Pick<
  OpenEngine,
  | 'buildId'
  | 'database'
  | 'durability'
  | 'storage'
  | 'expectedExecutors'
  | 'payloadBytesMax'
  | 'retentionMs'
>

/**
 * Opens the database. The wasm must be loaded. Rejects with `StepwellError`.
 * @param isSuspect whether all of it is looked at first
 */
export async function openEngine(
  request: EngineRequest,
  onWake: () => void,
  isSuspect = false,
): Promise<EngineInstance> {
  const { buildId, database, durability, storage, expectedExecutors } = request
  const options = {
    buildId,
    directory: directoryOf(database),
    durability,
    storage,
    expectedExecutors,
    payloadBytesMax: request.payloadBytesMax,
    retentionMs: request.retentionMs ?? undefined,
    isSuspect,
  }
  const startedAt = performance.now()
  for (let attempt = 0; ; attempt++) {
    try {
      return instanceOf(await StepwellEngine.open(options, onWake))
    } catch (error) {
      const isLate = performance.now() - startedAt > BUSY_MS_MAX
      if (!isBusy(error) || isLate) throw openError(error)
    }
    const waitMs = BUSY_RETRY_MS[attempt] ?? BUSY_RETRY_MS[BUSY_RETRY_MS.length - 1]
    await new Promise((resolve) => setTimeout(resolve, waitMs))
  }
}

function instanceOf(engine: StepwellEngine): EngineInstance {
  return {
    handle(inputs) {
      const { lines, beside } = writeInputs(inputs, tellIgnored)
      // What stands beside the lines is exchanged for what stands beside the output.
      const text = engine.handle(lines, beside)
      return readOutput(text, beside)
    },
    takeInitialOutput() {
      const beside: Beside[] = []
      const text = engine.takeInitialOutput(beside)
      return readOutput(text, beside)
    },
    takeClockJump: () => engine.takeClockJump(),
    epoch: () => engine.epoch(),
    activeRuns: () => engine.activeRuns(),
    status: () => engine.status(),
    maintain: () => engine.maintain(),
    unreferencedBlobs: (ids) => engine.unreferencedBlobs(ids),
    exportDatabase: (blobs) => engine.exportDatabase([...blobs]),
    importDatabase: (bytes) => engine.importDatabase(bytes),
    close: () => engine.close(),
    panic: () => engine.panic(),
  }
}

/** The same words as the engine's own. */
function tellIgnored(error: unknown): void {
  console.error(`Stepwell ignored a message it cannot read: ${String(error)}`)
}

/**
 * What can be saved of a damaged database, given as its whole file, as a sound one with the blobs in it. The wasm must be
 * loaded. Throws what `infoOf` reads.
 */
export function salvageDatabase(bytes: Uint8Array, blobs: readonly BlobBytes[]): Uint8Array {
  return salvage(bytes, [...blobs])
}

/** One folder a database, whatever characters its name has. */
export function directoryOf(database: string): string {
  return `stepwell-${encodeURIComponent(database)}`
}

/** What the wasm rejects with: an `ErrorInfo`, and whether another worker still holds the files. */
function isInfo(error: unknown): error is ErrorInfo {
  return typeof error === 'object' && error !== null && 'code' in error && 'message' in error
}

/** What is told of a thrown refusal; `null` for a panic and other things that must not happen. */
export function infoOf(error: unknown): ErrorInfo | null {
  if (isStepwellError(error)) return { code: error.code, message: error.message }
  if (error instanceof Error || !isInfo(error)) return null
  return { code: error.code, message: error.message }
}

function isBusy(error: unknown): boolean {
  return isInfo(error) && 'busy' in error && error.busy === true
}

function openError(error: unknown): unknown {
  if (error instanceof WebAssembly.RuntimeError) return error
  if (isInfo(error) && !(error instanceof Error)) {
    return fromErrorInfo(error)
  }
  return new StepwellError(
    'internal',
    `The engine could not be opened (${String(error)}). This is a defect of Stepwell; please report it.`,
  )
}
