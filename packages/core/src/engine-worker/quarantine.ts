/**
 * Damaged databases, set aside in folders of their own (`damaged-<time>`) beside the database's pool, with the files of
 * its blobs. The newest two are kept. A file named after the folder stands there until all is moved: after a crash in the
 * middle the next start goes on with it, and does not take half a database for a whole one.
 */
import { errorText, StepwellError } from '../errors.js'
import { directoryOf } from './instance.js'

/** Where the pool of `stepwell-wasm` has its files. */
export const POOL = '.opaque'
export const BLOBS = 'blobs'
const SUSPECT = '.suspect'
const UNFINISHED = '.unfinished-'
/** It is set aside, and the empty one was not opened yet: the loss is still to be told. */
const UNTOLD = '.untold'
const DAMAGED = /^damaged-\d+$/
const KEPT_MAX = 2
/** A file whose handle was just closed comes free in a moment. */
const BUSY_MS_MAX = 5_000
const BUSY_RETRY_MS = 20

export interface Findings {
  /** SQLite found it damaged while it was at work: all of it is to be looked at before it is used. */
  readonly isSuspect: boolean
  /** The folder into which it is being set aside. */
  readonly unfinished: string | null
  /** It was set aside, and nobody was told. */
  readonly isUntold: boolean
}

/** What an earlier session left to do. */
export async function lookAt(database: string): Promise<Findings> {
  const names = await namesIn(await folderOf(database))
  const unfinished = names.find((name) => name.startsWith(UNFINISHED))
  return {
    isSuspect: names.includes(SUSPECT),
    unfinished: unfinished === undefined ? null : unfinished.slice(UNFINISHED.length),
    isUntold: names.includes(UNTOLD),
  }
}

export async function markSuspect(database: string): Promise<void> {
  await (await folderOf(database))?.getFileHandle(SUSPECT, { create: true })
}

/** All of it was looked at and is sound. */
export const clearSuspect = (database: string): Promise<void> => forget(database, SUSPECT)

/** The loss is told. */
export const clearUntold = (database: string): Promise<void> => forget(database, UNTOLD)

/** What stays is looked at again by the next start. */
async function forget(database: string, name: string): Promise<void> {
  await (await folderOf(database))?.removeEntry(name).catch(() => undefined)
}

/**
 * Makes room for an empty database. The pool must be closed. Rejects with `storage_corrupt` where it cannot be done.
 * @param name the folder's, where it was begun before
 */
export async function setAside(database: string, name = `damaged-${Date.now()}`): Promise<void> {
  try {
    const folder = await folderOf(database)
    if (folder === null) return
    await folder.getFileHandle(UNFINISHED + name, { create: true })
    const target = await folder.getDirectoryHandle(name, { create: true })
    await moveAll(folder, POOL, target)
    await moveAll(folder, BLOBS, target)
    for (const each of (await damagedIn(folder)).slice(KEPT_MAX)) {
      await folder.removeEntry(each, { recursive: true })
    }
    if ((await lookAt(database)).isSuspect) await folder.removeEntry(SUSPECT)
    await folder.getFileHandle(UNTOLD, { create: true })
    await folder.removeEntry(UNFINISHED + name)
  } catch (cause) {
    throw new StepwellError(
      'storage_corrupt',
      `The database "${database}" is damaged and could not be set aside (${errorText(cause)}). Nothing was deleted: ` +
        'reload the page to try again.',
      { cause },
    )
  }
}

/** The newest database that was set aside; `null`: there is none. */
export async function newestDamaged(database: string): Promise<FileSystemDirectoryHandle | null> {
  const folder = await folderOf(database)
  const [name] = folder === null ? [] : await damagedIn(folder)
  return name === undefined ? null : (folder?.getDirectoryHandle(name) ?? null)
}

/** `null`: there is none. */
export async function folderOf(database: string): Promise<FileSystemDirectoryHandle | null> {
  return subfolder(await navigator.storage.getDirectory(), directoryOf(database))
}

/** `null`: there is none. */
export async function subfolder(
  folder: FileSystemDirectoryHandle,
  name: string,
): Promise<FileSystemDirectoryHandle | null> {
  try {
    return await folder.getDirectoryHandle(name)
  } catch (reason) {
    if (isNamed(reason, 'NotFoundError')) return null
    throw reason
  }
}

export async function filesIn(folder: FileSystemDirectoryHandle): Promise<FileSystemFileHandle[]> {
  const files: FileSystemFileHandle[] = []
  for await (const entry of folder.values()) {
    if (entry instanceof FileSystemFileHandle) files.push(entry)
  }
  return files
}

async function namesIn(folder: FileSystemDirectoryHandle | null): Promise<string[]> {
  const names: string[] = []
  if (folder !== null) for await (const name of folder.keys()) names.push(name)
  return names
}

/** The newest first: their names are their times. */
async function damagedIn(folder: FileSystemDirectoryHandle): Promise<string[]> {
  return (await namesIn(folder))
    .filter((name) => DAMAGED.test(name))
    .sort()
    .reverse()
}

async function moveAll(
  from: FileSystemDirectoryHandle,
  name: string,
  to: FileSystemDirectoryHandle,
): Promise<void> {
  const source = await subfolder(from, name)
  if (source === null) return
  const target = await to.getDirectoryHandle(name, { create: true })
  for (const file of await filesIn(source)) await move(file, source, target)
}

async function move(
  file: FileSystemFileHandle,
  from: FileSystemDirectoryHandle,
  to: FileSystemDirectoryHandle,
): Promise<void> {
  const startedAt = performance.now()
  for (;;) {
    try {
      if (canMove(file)) return await file.move(to, file.name)
      const copy = await to.getFileHandle(file.name, { create: true })
      await (await file.getFile()).stream().pipeTo(await copy.createWritable())
      return await from.removeEntry(file.name)
    } catch (reason) {
      const isLate = performance.now() - startedAt > BUSY_MS_MAX
      if (!isNamed(reason, 'NoModificationAllowedError') || isLate) throw reason
    }
    await new Promise((resolve) => setTimeout(resolve, BUSY_RETRY_MS))
  }
}

/** TypeScript does not know it, and not every browser has it. */
function canMove(file: FileSystemFileHandle): file is FileSystemFileHandle & {
  move(to: FileSystemDirectoryHandle, name: string): Promise<void>
} {
  return 'move' in file
}

function isNamed(reason: unknown, name: string): boolean {
  return reason instanceof DOMException && reason.name === name
}
