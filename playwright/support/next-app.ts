/** examples/next with the packed packages, in a folder that is kept between the runs of the tests. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { digestOf } from './digest.js'
import { npmInstall, PACKED_INPUTS, pack, ROOT, run } from './packed.js'

const SOURCE = path.join(ROOT, 'examples/next')
/** What a developer's own use of the example leaves there. */
const LEFT_BEHIND = ['node_modules', 'packs', 'package-lock.json', '.next', 'next-env.d.ts']
// Outside of the repository, whose node_modules must not help out and whose lock file Next.js would take for the app's.
const FOLDER = path.join(tmpdir(), `stepwell-next-${digestOfText(ROOT).slice(0, 12)}`)
const STAMP = path.join(FOLDER, '.installed')
const NEXT_PROGRAM = path.join(FOLDER, 'node_modules/next/dist/bin/next')
const ENVIRONMENT = { NEXT_TELEMETRY_DISABLED: '1' }
const START_MS_MAX = 20_000

export type Bundler = 'turbopack' | 'webpack'

/** Packs and installs, unless nothing that goes into it has changed since the last time. */
export function installNextApp(): void {
  const manifest = JSON.parse(readFileSync(path.join(SOURCE, 'package.json'), 'utf8'))
  const packed = digestOf(ROOT, PACKED_INPUTS)
  const wanted = `${packed} ${JSON.stringify(manifest)}`
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return
  // npm takes a tarball under a name that it knows for unchanged: hence a folder for each content.
  rmSync(path.join(FOLDER, 'packs'), { recursive: true, force: true })
  rmSync(STAMP, { force: true })
  const packs = `packs/${packed.slice(0, 12)}`
  mkdirSync(path.join(FOLDER, packs), { recursive: true })
  const tarballs = Object.entries(pack(path.join(FOLDER, packs))).map(([name, place]) => [
    name,
    place.replace('file:./', `file:./${packs}/`),
  ])
  const dependencies = { ...manifest.dependencies, ...Object.fromEntries(tarballs) }
  writeFileSync(path.join(FOLDER, 'package.json'), JSON.stringify({ ...manifest, dependencies }))
  npmInstall(FOLDER)
  writeFileSync(STAMP, wanted)
}

/** The sources as they are now, and nothing that was built: only what is installed is kept. */
export function copyNextApp(): void {
  const kept = ['node_modules', 'packs', 'package.json', path.basename(STAMP)]
  for (const name of readdirSync(FOLDER)) {
    if (!kept.includes(name)) rmSync(path.join(FOLDER, name), { recursive: true })
  }
  for (const name of readdirSync(SOURCE)) {
    if ([...LEFT_BEHIND, 'package.json'].includes(name)) continue
    cpSync(path.join(SOURCE, name), path.join(FOLDER, name), { recursive: true })
  }
}

/** Checks the types of the app against the packed ones, too. */
export function buildNextApp(bundler: Bundler): void {
  run(process.execPath, [NEXT_PROGRAM, 'build', `--${bundler}`], FOLDER, ENVIRONMENT)
}

export interface NextServer {
  readonly origin: string
  close(): Promise<void>
}

/** `next start` of what was built, or `next dev`, on a free port of this machine. */
export async function startNextApp(command: 'start' | 'dev'): Promise<NextServer> {
  const server = spawn(
    process.execPath,
    [NEXT_PROGRAM, command, '--hostname', '127.0.0.1', '--port', '0'],
    {
      cwd: FOLDER,
      env: { ...process.env, ...ENVIRONMENT },
      stdio: ['ignore', 'pipe', 'inherit'],
      // A group of its own: `next dev` starts a process for its work.
      detached: true,
    },
  )
  const ended = new Promise<void>((resolve) => server.once('close', () => resolve()))
  const kill = () => {
    const isAlive = server.exitCode === null && server.signalCode === null
    if (server.pid !== undefined && isAlive) process.kill(-server.pid, 'SIGKILL')
  }
  // Where nobody gets to close it: a hook that ran out of time.
  process.once('exit', kill)
  const close = () => {
    kill()
    process.off('exit', kill)
    return ended
  }
  try {
    return { origin: await readOrigin(server), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The port is told on standard output only. */
function readOrigin({ stdout, pid }: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    const fail = (why: string) => reject(new Error(`next (${pid}) ${why}:\n${said}`))
    const timer = setTimeout(() => fail('named no address in time'), START_MS_MAX)
    stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text
      const [origin] = said.match(/http:\/\/127\.0\.0\.1:\d+(?=\s)/) ?? []
      if (origin === undefined || !said.includes('Ready')) return
      clearTimeout(timer)
      resolve(origin)
    })
    stdout?.on('end', () => {
      clearTimeout(timer)
      fail('ended')
    })
  })
}

function digestOfText(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
