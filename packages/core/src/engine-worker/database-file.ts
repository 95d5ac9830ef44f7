/**
 * The database as one file, put together from the files of a pool without SQLite: what the WAL has committed in
 * the place of the pages that it replaces. Nothing is read that need not be; the rest stays on the disk, by reference.
 */
import { filesIn, folderOf, POOL, subfolder } from './quarantine.js'

/** The pool keeps each file behind its name. */
const POOL_HEADER_BYTES = 4096
const MAGIC = 'SQLite format 3\0'
const WAL_MAGIC = 0x377f0682
const WAL_HEADER_BYTES = 32
const FRAME_HEADER_BYTES = 24
/** Where a database's header says how it is written: 1 for a rollback journal, 2 for a WAL. */
const JOURNAL_AT = 18
const JOURNAL_END = 20

/** More than the wasm should hold in its memory, which never shrinks, and would hold three times. */
const LARGE_BYTES = 64 * 1024 * 1024

/**
 * The file of an open database that is large; `null`: it is not, or the browser gives no access beside open handles. Read
 * it before anything is written.
 */
export async function largeFile(database: string): Promise<Blob | null> {
  try {
    const folder = await folderOf(database)
    const pool = folder === null ? null : await subfolder(folder, POOL)
    const file = pool === null ? null : await databaseFile(pool)
    return file !== null && file.size > LARGE_BYTES ? file : null
  } catch {
    return null
  }
}

/** The file, or `null` where the pool has none. It needs no WAL. */
export async function databaseFile(pool: FileSystemDirectoryHandle): Promise<Blob | null> {
  const { main, wal } = await findFiles(pool)
  if (main === null) return null
  const whole = wal === null ? main : withWal(main, await wal.arrayBuffer())
  const mode = new Uint8Array(JOURNAL_END - JOURNAL_AT).fill(1)
  return new Blob([whole.slice(0, JOURNAL_AT), mode, whole.slice(JOURNAL_END)])
}

interface PoolFiles {
  readonly main: Blob | null
  readonly wal: Blob | null
}

/** By what they hold: the names before them may be what is damaged. */
async function findFiles(pool: FileSystemDirectoryHandle): Promise<PoolFiles> {
  let main: Blob | null = null
  let wal: Blob | null = null
  let other: Blob | null = null
  for (const handle of await filesIn(pool)) {
    const file = await handle.getFile()
    const body = file.slice(POOL_HEADER_BYTES)
    if (body.size === 0) continue
    const head = new Uint8Array(await body.slice(0, MAGIC.length).arrayBuffer())
    if (new TextDecoder().decode(head) === MAGIC) main = body
    else if (head.length >= 4 && (uint32(head.buffer, 0) & ~1) === WAL_MAGIC) wal = body
    else if (other === null || other.size < body.size) other = body
  }
  return { main: main ?? other, wal }
}

/** As SQLite reads a WAL: frames count up to the last commit before the first one that is not of this round. */
function withWal(main: Blob, wal: ArrayBuffer): Blob {
  if (wal.byteLength < WAL_HEADER_BYTES) return main
  const pageBytes = uint32(wal, 8)
  const { pages, count } = committedPages(wal, pageBytes)
  if (count === 0) return main
  const parts: BlobPart[] = []
  let from = 0
  for (const page of [...pages.keys()].sort((a, b) => a - b)) {
    if (page > count) break
    const at = (page - 1) * pageBytes
    const between = main.slice(from, at)
    parts.push(between, new Uint8Array(at - from - between.size))
    const offset = pages.get(page) ?? 0
    parts.push(wal.slice(offset, offset + pageBytes))
    from = at + pageBytes
  }
  parts.push(main.slice(from, Math.max(from, count * pageBytes)))
  return new Blob(parts)
}

/** Where each page stands in the WAL, and how many pages the database has; 0: the WAL has no commit. */
function committedPages(wal: ArrayBuffer, pageBytes: number) {
  const isBigEndian = (uint32(wal, 0) & 1) === 1
  const frameBytes = FRAME_HEADER_BYTES + pageBytes
  const pages = new Map<number, number>()
  let open = new Map<number, number>()
  let count = 0
  let sum = checksum(wal, 0, WAL_HEADER_BYTES - 8, isBigEndian, [0, 0])
  if (!isPowerOfTwo(pageBytes) || !matches(wal, WAL_HEADER_BYTES - 8, sum)) return { pages, count }
  for (let at = WAL_HEADER_BYTES; at + frameBytes <= wal.byteLength; at += frameBytes) {
    const isOfThisRound =
      uint32(wal, at + 8) === uint32(wal, 16) && uint32(wal, at + 12) === uint32(wal, 20)
    if (!isOfThisRound) break
    sum = checksum(wal, at, 8, isBigEndian, sum)
    sum = checksum(wal, at + FRAME_HEADER_BYTES, pageBytes, isBigEndian, sum)
    if (!matches(wal, at + 16, sum)) break
    open.set(uint32(wal, at), at + FRAME_HEADER_BYTES)
    const committed = uint32(wal, at + 4)
    if (committed === 0) continue
    count = committed
    for (const [page, offset] of open) pages.set(page, offset)
    open = new Map()
  }
  return { pages, count }
}

type Sum = readonly [number, number]

function checksum(
  bytes: ArrayBuffer,
  at: number,
  length: number,
  isBigEndian: boolean,
  [first, second]: Sum,
): Sum {
  const view = new DataView(bytes, at, length)
  let [a, b] = [first, second]
  for (let offset = 0; offset < length; offset += 8) {
    a = (a + view.getUint32(offset, !isBigEndian) + b) >>> 0
    b = (b + view.getUint32(offset + 4, !isBigEndian) + a) >>> 0
  }
  return [a, b]
}

function matches(bytes: ArrayBuffer, at: number, [a, b]: Sum): boolean {
  return uint32(bytes, at) === a && uint32(bytes, at + 4) === b
}

function uint32(bytes: ArrayBuffer, at: number): number {
  return new DataView(bytes).getUint32(at)
}

function isPowerOfTwo(value: number): boolean {
  return value >= 512 && value <= 65_536 && (value & (value - 1)) === 0
}
