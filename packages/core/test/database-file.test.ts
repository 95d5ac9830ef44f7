/** The database put together from a pool's files, beside what SQLite itself makes of the same file and WAL. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { rescue } from '../src/engine-worker/rescue.js'
import { randomOf } from './random.js'

const HEADER = new Uint8Array(4096)
const folder = mkdtempSync(path.join(tmpdir(), 'stepwell-file-'))
const place = (name: string) => path.join(folder, name)
const sqlite = (...args: string[]) =>
  execFileSync('sqlite3', args, {
    encoding: 'utf8',
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  })

class FakeHandle {
  readonly name: string
  readonly bytes: Uint8Array<ArrayBuffer>

  constructor(name: string, bytes: Uint8Array<ArrayBuffer>) {
    this.name = name
    this.bytes = bytes
  }
  async getFile() {
    return new Blob([HEADER, this.bytes])
  }
}

/** What the rescue worker gives out of a pool with these files. */
async function fileOf(...files: Uint8Array<ArrayBuffer>[]): Promise<Uint8Array> {
  const pool = {
    async *values() {
      for (const [at, bytes] of files.entries()) yield new FakeHandle(String(at), bytes)
    },
  }
  const database = { getDirectoryHandle: async () => pool }
  vi.stubGlobal('FileSystemFileHandle', FakeHandle)
  vi.stubGlobal('navigator', {
    storage: { getDirectory: async () => ({ getDirectoryHandle: async () => database }) },
    locks: {
      request: (_name: string, _options: object, call: (lock: object) => unknown) => call({}),
    },
  })
  const answer = await rescue({
    type: 'stepwell:rescue',
    requestId: 'one',
    database: 'test',
    isDamaged: false,
    blobs: false,
    wasmUrl: null,
  })
  vi.unstubAllGlobals()
  if (answer.type !== 'exported') throw new Error(answer.error.message)
  return answer.bytes
}

function read(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(place(name)))
}

function dump(main: Uint8Array, wal: Uint8Array | null): string {
  writeFileSync(place('judged'), main)
  rmSync(place('judged-wal'), { force: true })
  if (wal !== null) writeFileSync(place('judged-wal'), wal)
  return sqlite('judged', 'PRAGMA integrity_check', 'SELECT id, length(text), text FROM t')
}

beforeAll(() => {
  // Commits of all sizes, a checkpoint in between, after which the WAL begins anew, and one that grows the file.
  const insert = (count: number, size: number) =>
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
     INSERT INTO t (text) SELECT hex(randomblob(${size})) FROM n`
  sqlite(
    'main',
    'PRAGMA journal_mode = WAL',
    'PRAGMA wal_autocheckpoint = 0',
    'CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)',
    insert(200, 300),
    '.shell cp main early; cp main-wal early-wal',
    'PRAGMA wal_checkpoint(PASSIVE)',
    'UPDATE t SET text = text || id WHERE id % 7 = 0',
    'DELETE FROM t WHERE id BETWEEN 50 AND 90',
    insert(100, 2000),
    'UPDATE t SET text = upper(text) WHERE id % 11 = 0',
    '.shell cp main late; cp main-wal late-wal',
  )
})

afterAll(() => rmSync(folder, { recursive: true }))

describe.each(['early', 'late'])('with %s commits in the WAL', (name) => {
  test('the file has what SQLite reads, and needs no WAL', async () => {
    const [main, wal] = [read(name), read(`${name}-wal`)]
    const expected = dump(main, wal)
    expect(expected.startsWith('ok')).toBe(true)
    // Whatever the order of the files.
    expect(dump(await fileOf(main, wal), null)).toBe(expected)
    expect(dump(await fileOf(wal, main), null)).toBe(expected)
  })

  test('a WAL that is torn or damaged counts as far as SQLite lets it count', async () => {
    const [main, wal] = [read(name), read(`${name}-wal`)]
    const integer = randomOf(7)
    const whole = dump(main, wal)
    let differ = 0
    for (let i = 0; i < 8; i++) {
      const torn = wal.slice(0, 1 + integer(wal.length))
      const damaged = wal.slice()
      const at = integer(wal.length)
      damaged[at] = (damaged[at] ?? 0) ^ (1 + integer(255))
      for (const broken of [torn, damaged]) {
        // A database of which nothing was checkpointed is empty without its WAL.
        const expected = judged(main, broken)
        const file = await fileOf(main, broken)
        expect(judged(file, null), `try ${i}`).toBe(expected)
        if (expected !== whole) differ += 1
      }
    }
    expect(differ).toBeGreaterThan(4)
  }, 30_000)
})

/** As `dump`; where there is no table yet, that. */
function judged(main: Uint8Array, wal: Uint8Array | null): string {
  try {
    return dump(main, wal)
  } catch {
    return 'no table'
  }
}
