/** An app of Next.js with the packed packages, in a folder that is kept between the runs of the tests. */
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
import { npmInstall, PACKED_INPUTS, pack, ROOT, run, versionOf } from './packed.js'

/** Stated here and not in the workspace: only this test needs it, and it is 250 MB. */
const NEXT = '16.4.6'
const SOURCE = path.join(ROOT, 'playwright/next-app')
// Outside of the repository, whose node_modules must not help out and whose lock file Next.js would take for the app's.
const FOLDER = path.join(tmpdir(), `stepwell-next-${digestOfText(ROOT).slice(0, 12)}`)
const STAMP = path.join(FOLDER, '.installed')
const NEXT_PROGRAM = path.join(FOLDER, 'node_modules/next/dist/bin/next')
const ENVIRONMENT = { NEXT_TELEMETRY_DISABLED: '1' }
const START_MS_MAX = 20_000

export type Bundler = 'turbopack' | 'webpack'

/** Packs and installs, unless nothing that goes into it has changed since the last time. */
export function installNextApp(): void {
  const versions = {
    next: NEXT,
    react: versionOf('react'),
    'react-dom': versionOf('react-dom'),
    typescript: versionOf('typescript'),
    '@types/node': versionOf('@types/node'),
    '@types/react': versionOf('@types/react'),
    '@types/react-dom': versionOf('@types/react-dom'),
  }
  const packed = digestOf(ROOT, PACKED_INPUTS)
  const wanted = `${packed} ${JSON.stringify(versions)}`
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
  const dependencies = { ...versions, ...Object.fromEntries(tarballs) }
  writeFileSync(
    path.join(FOLDER, 'package.json'),
    JSON.stringify({ name: 'app', private: true, dependencies }),
  )
  npmInstall(FOLDER)
  writeFileSync(STAMP, wanted)
}

/** `next build` from nothing: only what is installed is kept. */
export function buildNextApp(bundler: Bundler): void {
  const kept = ['node_modules', 'packs', 'package.json', path.basename(STAMP)]
  for (const name of readdirSync(FOLDER)) {
    if (!kept.includes(name)) rmSync(path.join(FOLDER, name), { recursive: true })
  }
  cpSync(SOURCE, FOLDER, { recursive: true })
  run(process.execPath, [NEXT_PROGRAM, 'build', `--${bundler}`], FOLDER, ENVIRONMENT)
}

export interface NextServer {
  readonly origin: string
  close(): Promise<void>
}

/** `next start` on a free port of this machine. */
export async function startNextApp(): Promise<NextServer> {
  const server = spawn(
    process.execPath,
    [NEXT_PROGRAM, 'start', '--hostname', '127.0.0.1', '--port', '0'],
    {
      cwd: FOLDER,
      env: { ...process.env, ...ENVIRONMENT },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const ended = new Promise<void>((resolve) => server.once('close', () => resolve()))
  const close = () => {
    server.kill('SIGKILL')
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
    const fail = (why: string) => reject(new Error(`next start (${pid}) ${why}:\n${said}`))
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
