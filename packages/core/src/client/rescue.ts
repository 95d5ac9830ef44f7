/** Exports of what no engine has open: a worker of its own reads the files, says what it could read, and is gone. */
import { fromErrorInfo, StepwellError } from '../errors.js'
import type { ErrorCode } from '../generated/protocol.js'
import { randomId } from '../random-id.js'
import type { StorageMode, ToEngineWorker } from '../wire.js'
import { absoluteUrl, isFromEngineWorker, spawnEngineWorker } from './engine.js'
import { pageObstacle } from './environment.js'

export interface RescueConfig {
  readonly database: string
  readonly storage: StorageMode
  readonly engineWorker: () => (() => Worker) | undefined
  readonly wasmUrl: () => string | null
}

export interface ExportAsk {
  readonly blobs: boolean
  /** The newest database that was set aside, and not the one in use. */
  readonly isDamaged: boolean
}

/** The engine is stopped for good, and what it worked on is there. */
const STOPPED: ReadonlySet<ErrorCode> = new Set(['faulted', 'storage_corrupt', 'schema_too_new'])

/** Whether an export needs this, for want of an engine that could make it. */
export function needsRescue({ isDamaged }: ExportAsk, failure: StepwellError | null): boolean {
  return isDamaged || (failure !== null && STOPPED.has(failure.code))
}

export async function rescue(
  config: RescueConfig,
  { blobs, isDamaged }: ExportAsk,
): Promise<Uint8Array<ArrayBuffer>> {
  const { database, storage } = config
  const obstacle = storage === 'memory' ? nothingKept() : pageObstacle(storage)
  if (obstacle !== null) throw obstacle
  const worker = spawnEngineWorker(config.engineWorker())
  const wasmUrl = absoluteUrl(config.wasmUrl())
  const request = { requestId: randomId(), database, isDamaged, blobs, wasmUrl }
  try {
    return await answer(worker, { type: 'stepwell:rescue', ...request })
  } finally {
    worker.terminate()
  }
}

function answer(worker: Worker, request: ToEngineWorker): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (!isFromEngineWorker(data)) return
      if (data.type === 'exported') resolve(data.bytes)
      else if (data.type === 'transfer-failed') reject(fromErrorInfo(data.error))
      else if (data.type === 'fatal') reject(broken(data.message))
    }
    worker.onerror = (event) => {
      event.preventDefault()
      reject(broken(event.message || 'it could not be loaded'))
    }
    worker.postMessage(request)
  })
}

function broken(why: string): StepwellError {
  return new StepwellError(
    'internal',
    `The worker for the export broke: ${why}. The files are as they were; try again after a reload of the page.`,
  )
}

function nothingKept(): StepwellError {
  return new StepwellError(
    'storage_unavailable',
    "With storage: 'memory' nothing is left of a database whose engine is gone, and nothing is set aside. Use storage: 'opfs'.",
  )
}
