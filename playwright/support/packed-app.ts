/** Apps with the packed packages, in folders that are kept between the runs of the tests. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { digestOf } from './digest.js'
import { npmInstall, PACKED_INPUTS, pack, ROOT } from './packed.js'

const APPS = path.join(ROOT, '.cache/apps')
const PACKS = path.join(ROOT, '.cache/tarballs')
const MAKING = 'making-'

export interface PackedApp {
  readonly folder: string
  /** The program of a dependency. */
  bin(name: string): string
  /**
   * Makes something of the app's sources, unless it was made already of these sources and what is installed.
   * @param outputs folders in the app: emptied before.
   */
  make(outputs: readonly string[], how: () => void): void
}

export interface AppSource {
  /** The folder's name. Tests that run at the same time must not share one. */
  readonly name: string
  readonly dependencies: Readonly<Record<string, string>>
  /** More of its package.json. */
  readonly manifest?: Readonly<Record<string, unknown>>
  /** Folders, relative to `playwright/`, that are copied into the app, the later over the earlier. */
  readonly sources: readonly string[]
}

/** Installs with npm, unless nothing that goes into it has changed since the last time. */
export function packedApp({ name, dependencies, manifest, sources }: AppSource): PackedApp {
  const folder = path.join(APPS, name)
  const all = { ...dependencies, ...tarballs() }
  const installed = JSON.stringify({
    ...manifest,
    private: true,
    type: 'module',
    dependencies: all,
  })
  const stamp = path.join(folder, '.installed')
  if (readText(stamp) !== installed) {
    mkdirSync(folder, { recursive: true })
    rmSync(stamp, { force: true })
    writeFileSync(path.join(folder, 'package.json'), installed)
    npmInstall(folder)
    writeFileSync(stamp, installed)
  }
  for (const source of sources) {
    cpSync(path.join(ROOT, 'playwright', source), folder, { recursive: true })
  }
  const content = `${installed} ${digestOf(path.join(ROOT, 'playwright'), sources)}`
  return {
    folder,
    bin: (program) => path.join(folder, 'node_modules/.bin', program),
    make(outputs, how) {
      const made = path.join(folder, `.made-${outputs.join('-')}`)
      if (readText(made) === content) return
      for (const output of [...outputs, path.basename(made)]) {
        rmSync(path.join(folder, output), { recursive: true, force: true })
      }
      how()
      writeFileSync(made, content)
    },
  }
}

/** Packs both packages, once for each content: npm takes a tarball under a name that it knows for unchanged. */
function tarballs(): Record<string, string> {
  const folder = path.join(PACKS, digestOf(ROOT, PACKED_INPUTS).slice(0, 12))
  if (!existsSync(folder)) packInto(folder)
  const found = readdirSync(folder)
  return Object.fromEntries(
    ['core', 'react'].map((name) => [
      `@stepwell/${name}`,
      `file:${path.join(folder, found.find((file) => file.startsWith(`stepwell-${name}-`)) ?? '')}`,
    ]),
  )
}

/** Whole or not at all; another worker of the test runner may be at the same. */
function packInto(folder: string): void {
  mkdirSync(PACKS, { recursive: true })
  // Another worker may have made this very folder since it was looked for.
  const kept = path.basename(folder)
  const old = readdirSync(PACKS).filter((name) => !name.startsWith(MAKING) && name !== kept)
  for (const name of old) rmSync(path.join(PACKS, name), { recursive: true, force: true })
  const made = mkdtempSync(path.join(PACKS, MAKING))
  pack(made)
  try {
    renameSync(made, folder)
  } catch (error) {
    rmSync(made, { recursive: true })
    if (!existsSync(folder)) throw error
  }
}

function readText(file: string): string | null {
  return existsSync(file) ? readFileSync(file, 'utf8') : null
}
