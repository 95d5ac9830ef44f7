// Where and of what the figures are.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const HERE = import.meta.dirname
const PACKAGES = {
  react: '.',
  'react-dom': '.',
  '@coji/durably': 'durably',
  '@coji/durably-react': 'durably',
  sqlocal: 'durably',
  kysely: 'durably',
  zod: 'durably',
  '@sqlite.org/sqlite-wasm': 'durably',
}

/** @returns {[string, string][]} names and values, in their order. */
export function machine(lab) {
  const cpus = os.cpus()
  return [
    ['Processor', `${cpus[0]?.model ?? 'unknown'}, ${cpus.length} logical cores`],
    ['Memory', `${(os.totalmem() / 2 ** 30).toFixed(0)} GiB`],
    ['System', `${systemName()}, Linux ${os.release()}`],
    ['File system of the profile', fileSystem(lab.profile)],
    ['Chromium', lab.version],
    ['Node', process.version],
    ['Stepwell', commit()],
    ...Object.entries(PACKAGES).map(([name, folder]) => [name, versionOf(name, folder)]),
  ]
}

function systemName() {
  if (!existsSync('/etc/os-release')) return os.type()
  return /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? os.type()
}

/** The type of the mount that the folder is in: the longest one that is a part of its path. */
function fileSystem(folder) {
  if (!existsSync('/proc/mounts')) return 'unknown'
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, at]) => at !== undefined && `${folder}/`.startsWith(at === '/' ? at : `${at}/`))
  const [device, , type] = mounts.sort(([, a], [, b]) => a.length - b.length).at(-1) ?? []
  return type === undefined ? 'unknown' : `${type} (${device})`
}

function commit() {
  try {
    const git = (...args) => execFileSync('git', args, { cwd: HERE, encoding: 'utf8' }).trim()
    const isChanged = git('status', '--porcelain', '--', '../packages', '../crates') !== ''
    return `${git('rev-parse', '--short', 'HEAD')}${isChanged ? ', with changes' : ''}`
  } catch {
    return 'unknown'
  }
}

function versionOf(name, folder) {
  const file = path.join(HERE, folder, 'node_modules', name, 'package.json')
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : 'not installed'
}
