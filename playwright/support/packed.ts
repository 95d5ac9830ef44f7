/** The tarballs that would be published, for apps outside of this repository. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

export const ROOT = path.resolve(import.meta.dirname, '../..')

/** A program that has not ended by then hangs. */
const RUN_MS_MAX = 240_000

/** Everything that goes into the tarballs. */
export const PACKED_INPUTS = [
  'packages/core/dist',
  'packages/core/wasm',
  'packages/core/package.json',
  'packages/react/dist',
  'packages/react/package.json',
]

/** Runs a program to its end; what it wrote to its standard output. Throws with all it wrote where it ends badly. */
export function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): string {
  const options = {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: RUN_MS_MAX,
  } as const
  const { status, stdout, stderr, error } = spawnSync(command, args, options)
  if (status === 0) return stdout
  const line = [path.basename(command), ...args].join(' ')
  throw new Error(`\`${line}\` failed (${error?.message ?? status}):\n${stdout}${stderr}`)
}

/** Packs both packages into a folder; what the dependencies of an app in that folder are. */
export function pack(folder: string): Record<string, string> {
  const { packageManager } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'))
  for (const name of ['core', 'react']) {
    run(
      'npx',
      ['--yes', packageManager, 'pack', '--pack-destination', folder],
      path.join(ROOT, 'packages', name),
    )
  }
  const tarball = (name: string) =>
    `file:./${readdirSync(folder).find((file) => file.startsWith(`stepwell-${name}-`))}`
  return { '@stepwell/core': tarball('core'), '@stepwell/react': tarball('react') }
}

export function npmInstall(folder: string): void {
  const quiet = ['--no-audit', '--no-fund', '--silent', '--no-package-lock']
  run('npm', ['install', '--prefer-offline', ...quiet], folder)
}

/** The version that the repository itself is tested with. */
export function versionOf(name: string): string {
  const file = path.join(ROOT, 'playwright/node_modules', name, 'package.json')
  return String(JSON.parse(readFileSync(file, 'utf8')).version)
}
