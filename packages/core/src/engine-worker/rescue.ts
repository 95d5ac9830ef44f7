/**
 * Exports without an engine, in a worker of their own: of a database that was set aside as damaged, and of the one whose
 * engine does not stay up or cannot be opened. Nothing is written.
 */
import { StepwellError, toStepwellError } from '../errors.js'
import { engineLock, type FromEngineWorker, type ToEngineWorker } from '../wire.js'
import { databaseFile } from './database-file.js'
import { type BlobBytes, infoOf, loadEngine, salvageDatabase } from './instance.js'
import { BLOBS, filesIn, folderOf, newestDamaged, POOL, subfolder } from './quarantine.js'

export type RescueRequest = Extract<ToEngineWorker, { readonly type: 'stepwell:rescue' }>
type Answer = Extract<FromEngineWorker, { readonly type: 'exported' | 'transfer-failed' }>

export async function rescue(request: RescueRequest): Promise<Answer> {
  const { requestId, isDamaged } = request
  try {
    const bytes = isDamaged ? await damaged(request) : await unopened(request)
    return { type: 'exported', requestId, bytes }
  } catch (reason) {
    const { code, message } = infoOf(reason) ?? toStepwellError(reason)
    return { type: 'transfer-failed', requestId, error: { code, message } }
  }
}

async function damaged(request: RescueRequest): Promise<Bytes> {
  const folder = await newestDamaged(request.database)
  if (folder === null) {
    throw new StepwellError(
      'not_found',
      `No damaged database "${request.database}" was set aside. Leave the option damaged out to export the one in use.`,
    )
  }
  return salvaged(request, folder)
}

async function unopened(request: RescueRequest): Promise<Bytes> {
  const { database } = request
  const bytes = await navigator.locks.request(
    engineLock(database),
    { ifAvailable: true },
    async (lock) => {
      if (lock === null) throw inUse(database)
      const folder = await folderOf(database)
      const pool = folder === null ? null : await subfolder(folder, POOL)
      if (folder === null || pool === null) throw noDatabase(database)
      if (request.blobs) return salvaged(request, folder)
      const file = await databaseFile(pool)
      return file === null ? null : new Uint8Array(await file.arrayBuffer())
    },
  )
  if (bytes === null) throw noDatabase(database)
  return bytes
}

type Bytes = Uint8Array<ArrayBuffer>

/** What can be read of the database in a folder, row by row, with its blobs where they are asked for. */
async function salvaged(request: RescueRequest, folder: FileSystemDirectoryHandle): Promise<Bytes> {
  const [pool, blobs] = await Promise.all([
    subfolder(folder, POOL),
    request.blobs ? subfolder(folder, BLOBS) : null,
    loadEngine(request.wasmUrl),
  ])
  const file = pool === null ? null : await databaseFile(pool)
  const bytes = file === null ? new Uint8Array() : new Uint8Array(await file.arrayBuffer())
  const files = blobs === null ? [] : await readAll(blobs)
  return new Uint8Array(salvageDatabase(bytes, files))
}

async function readAll(blobs: FileSystemDirectoryHandle): Promise<BlobBytes[]> {
  const read = async (handle: FileSystemFileHandle): Promise<BlobBytes> => [
    handle.name,
    new Uint8Array(await (await handle.getFile()).arrayBuffer()),
  ]
  return Promise.all((await filesIn(blobs)).map(read))
}

function inUse(database: string): StepwellError {
  return new StepwellError(
    'not_leader',
    `Another tab works with the database "${database}": export it there, or close that tab and try again.`,
  )
}

function noDatabase(database: string): StepwellError {
  return new StepwellError('not_found', `There is no database "${database}" here to export.`)
}
