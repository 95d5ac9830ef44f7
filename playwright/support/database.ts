/** A database as a dead browser left it, judged natively. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from './fixtures.js'

const ROOT = path.resolve(import.meta.dirname, '../..')

/** The pool keeps each file behind a header of its own, which begins with the file's name. */
export const POOL_HEADER_BYTES = 4096
const POOL_NAME_BYTES = 512

/** The name of the file that pool bytes carry; `''` for a free slot and for other files. */
function nameIn(bytes: Buffer): string {
  if (bytes.length < POOL_HEADER_BYTES) return ''
  const name = bytes.subarray(0, POOL_NAME_BYTES)
  const text = name.subarray(0, Math.max(0, name.indexOf(0))).toString('utf8')
  return /^[\w./-]+$/.test(text) ? text : ''
}

/**
 * What SQLite's `integrity_check` and the engine's own invariants say of the one database in a profile: `'ok'`, or a
 * line a problem. The browser must be dead.
 */
export function checkDatabase(profile: string): string {
  // Before the try: a check that cannot be built is no verdict.
  const program = checker()
  const folder = mkdtempSync(path.join(tmpdir(), 'stepwell-check-'))
  try {
    const found = poolFiles(path.join(profile, 'Default', 'File System'))
    const wal = [...found.keys()].find((name) => name.endsWith('-wal'))
    const main = [...found.keys()].find((name) => !/-(wal|journal)$/.test(name))
    if (main === undefined) throw new Error(`no database in ${profile}`)
    const file = path.join(folder, 'database')
    writeFileSync(file, found.get(main) ?? '')
    if (wal !== undefined) writeFileSync(`${file}-wal`, found.get(wal) ?? '')
    return execFileSync(program, [file], { encoding: 'utf8' }).trim()
  } catch (error) {
    if (error instanceof Error && 'stdout' in error)
      return `${error.stdout}\n${error.message}`.trim()
    throw error
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

let built: string | null = null

/** For `beforeAll`: `checkDatabase` needs a program that may have to be compiled. */
export function buildCheck(): void {
  test.setTimeout(600_000)
  checker()
}

/** `crates/stepwell-sqlite/examples/check.rs`, built. */
function checker(): string {
  built ??=
    execFileSync(
      'cargo',
      [
        'build',
        '--quiet',
        '--message-format=json',
        // As `cargo test` of the workspace does: the features of one package alone would compile SQLite anew.
        '--workspace',
        '--example',
        'check',
      ],
      { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 26 },
    )
      .split('\n')
      .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line).executable] : []))
      .filter((file): file is string => typeof file === 'string')
      .at(-1) ?? null
  if (built === null) throw new Error('cargo built no check')
  return built
}

function poolFiles(folder: string): Map<string, Buffer> {
  const found = new Map<string, Buffer>()
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const bytes = readFileSync(path.join(entry.parentPath, entry.name))
    const name = nameIn(bytes)
    if (name !== '') found.set(name, bytes.subarray(POOL_HEADER_BYTES))
  }
  return found
}
