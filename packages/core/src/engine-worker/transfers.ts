/** The database as a file: out, and in the place of the open one. */
import { errorText, StepwellError, toStepwellError } from '../errors.js'
import type { BlobId, ClientId, ErrorInfo, RequestId } from '../generated/protocol.js'
import type { ToEngineWorker } from '../wire.js'
import type { Answer } from './audience.js'
import type { Blobs } from './blobs/blobs.js'
import { type BlobBytes, infoOf } from './instance.js'
import type { OpenDatabase } from './opening.js'

export type TransferRequest = Extract<
  ToEngineWorker,
  { readonly type: 'stepwell:export' | 'stepwell:import' }
>

export interface TransfersOptions {
  /** Carries out what is queued, so that the file has it; the database, or `null` where none is open any more. */
  readonly settled: () => OpenDatabase | null
  /** Nothing is written until the returned function is called. */
  readonly hold: () => () => void
  /** As it is. */
  readonly current: () => OpenDatabase | null
  /** The database as a file, where it is large. */
  readonly largeFile: () => Promise<Blob | null>
  readonly blobs: () => Blobs | null
  readonly answer: (clientId: ClientId, answer: Answer) => void
  /** The instance is lost. */
  readonly lose: (error: unknown) => void
  /** The database holds other data now: the engine on it must not be used again. */
  readonly onImported: () => void
  /** The import is over: close everything, and say so. */
  readonly onEnd: (clientId: ClientId, requestId: RequestId, error: ErrorInfo | null) => void
}

/** Who asked, and under which id. */
interface Asker {
  readonly clientId: ClientId
  readonly requestId: RequestId
}

export interface Transfers {
  readonly run: (clientId: ClientId, request: TransferRequest) => Promise<void>
}

export function createTransfers(options: TransfersOptions): Transfers {
  const { settled, answer, lose, onImported, onEnd } = options

  const fail = ({ clientId, requestId }: Asker, error: ErrorInfo) =>
    answer(clientId, { type: 'transfer-failed', requestId, error })
  /** What the engine refuses is answered; a panic is none of that. */
  const guarded = async (asker: Asker, carryOut: () => Promise<void>) => {
    try {
      await carryOut()
    } catch (error) {
      const info = infoOf(error)
      if (info === null) lose(error)
      else fail(asker, info)
    }
  }
  const exportDatabase = async ({ clientId, requestId }: Asker, withBlobs: boolean) => {
    const files = withBlobs ? await readFiles(options.blobs()) : []
    if (settled() === null) return
    const goOn = options.hold()
    try {
      const file = files.length === 0 ? await options.largeFile() : null
      const database = options.current()
      if (database === null) return
      const bytes =
        file === null ? ownBytes(database.engine.exportDatabase(files)) : await read(file)
      answer(clientId, { type: 'exported', requestId, bytes })
    } finally {
      goOn()
    }
  }
  const importDatabase = async (asker: Asker, bytes: Uint8Array) => {
    const database = settled()
    if (database === null) return
    if (database.persisted === null) return fail(asker, NO_FILE)
    const files = importInto(database, bytes)
    onImported()
    onEnd(asker.clientId, asker.requestId, await storeFiles(options.blobs(), files))
  }
  return {
    async run(clientId, request) {
      const asker = { clientId, requestId: request.requestId }
      if (request.type === 'stepwell:export') {
        return guarded(asker, () => exportDatabase(asker, request.blobs))
      }
      let buffer: ArrayBuffer
      try {
        buffer = await request.file.arrayBuffer()
      } catch (error) {
        return fail(asker, unreadable(error))
      }
      return guarded(asker, () => importDatabase(asker, new Uint8Array(buffer)))
    },
  }
}

/** The engine's words are about a database that cannot be opened; here it is the file that is wrong. */
function importInto({ engine }: OpenDatabase, bytes: Uint8Array): BlobBytes[] {
  try {
    return engine.importDatabase(bytes)
  } catch (error) {
    const info = infoOf(error)
    if (info === null) throw error
    const message = `The file was not imported, and nothing was changed. ${info.message}`
    throw new StepwellError(info.code, message, { cause: error })
  }
}

async function read(file: Blob): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await file.arrayBuffer())
  } catch (cause) {
    throw new StepwellError(
      'storage_unavailable',
      `The database of ${file.size} bytes could not be read for the export (${errorText(cause)}). Try again.`,
      { cause },
    )
  }
}

/** All that there are now: when this returns, none is being stored that is not among them. */
async function readFiles(blobs: Blobs | null): Promise<BlobBytes[]> {
  if (blobs === null) return []
  const seen = new Set<BlobId>()
  const files: BlobBytes[] = []
  let next = await blobs.list()
  while (next.length > 0) {
    for (const id of next) {
      seen.add(id)
      const bytes = await readFile(blobs, id)
      if (bytes !== null) files.push([id, bytes])
    }
    next = [...blobs.asked()].filter((id) => !seen.has(id))
  }
  return files
}

/** `null`: there is none, or no longer. */
async function readFile(blobs: Blobs, id: BlobId): Promise<Uint8Array | null> {
  const blob = await blobs.read(id)
  if (blob === null) return null
  try {
    return new Uint8Array(await blob.arrayBuffer())
  } catch (cause) {
    if ((await blobs.read(id)) === null) return null
    const message = `A stored file could not be read for the export: ${errorText(cause)}`
    throw new StepwellError('storage_unavailable', message, { cause })
  }
}

/** Why not all of them could be stored, if so: the rows that name them are in the database already. */
async function storeFiles(
  blobs: Blobs | null,
  files: readonly BlobBytes[],
): Promise<ErrorInfo | null> {
  const news = new Map(files.map(([id, bytes]) => [id, new Blob([ownBytes(bytes)])]))
  try {
    await blobs?.store([...news.keys()], news)
    return null
  } catch (reason) {
    const { code, message } = toStepwellError(reason)
    const told = `The runs were imported, but not all of their Blobs and Files: ${message}`
    return { code, message: told }
  }
}

/** The engine must be started anew after an import, and what is in memory would be gone. */
const NO_FILE: ErrorInfo = {
  code: 'storage_unavailable',
  message: "A database with storage: 'memory' cannot be imported into. Use storage: 'opfs'.",
}

function unreadable(error: unknown): ErrorInfo {
  return {
    code: 'invalid_input',
    message: `The file for importDatabase could not be read: ${errorText(error)}`,
  }
}

/** The wasm's bytes are a copy outside of its memory, which the type cannot tell. */
function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = bytes
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer, byteOffset, byteLength)
    : new Uint8Array(bytes)
}
