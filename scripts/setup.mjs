// Makes a fresh machine able to build and test Stepwell. Idempotent; one line for each thing it looks at.
//
//   npm run setup

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { findChromium } from './lib/chromium.mjs'
import { bin, Failure, must, program, ROOT, run, works } from './lib/process.mjs'

const NODE_MIN = [20, 19]
const WASM_TARGET = 'wasm32-unknown-unknown'
const IS_DEBIAN = existsSync('/etc/debian_version')
const IS_UBUNTU = IS_DEBIAN && readFileSync('/etc/os-release', 'utf8').includes('ID=ubuntu')
const CAN_APT = IS_DEBIAN && process.getuid?.() === 0

/** `forTests: false` leaves out what only tests need, and turns a Chromium that cannot be installed into a note. */
export async function setup({ forTests = true } = {}) {
  checkNode()
  await rust()
  await cCompiler()
  await npmPackages()
  if (forTests) await sqliteShell()
  await browser(forTests)
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < NODE_MIN[0] || (major === NODE_MIN[0] && minor < NODE_MIN[1])) {
    throw new Failure(`Node ${NODE_MIN.join('.')} or newer is needed; this is ${process.version}.`)
  }
  say(`node ${process.version}`)
}

async function rust() {
  const { code, output } = await run('cargo', ['--version'], { quiet: true })
  if (code !== 0) {
    throw new Failure(
      'Rust is missing (or rust-toolchain.toml names a toolchain that is not installed). Install it with:\n' +
        "  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y\n" +
        'and open a new shell.' +
        (output ? `\n\n${output.trim()}` : ''),
    )
  }
  say(output.trim())

  const sysroot = (await must('rustc', ['--print', 'sysroot'], { quiet: true })).trim()
  if (existsSync(path.join(sysroot, 'lib/rustlib', WASM_TARGET))) {
    say(`rust target ${WASM_TARGET}`)
  } else {
    say(`rust target ${WASM_TARGET}: adding it with rustup`)
    await must('rustup', ['target', 'add', WASM_TARGET])
  }
  for (const [component, probe] of [
    ['clippy', 'clippy'],
    ['rustfmt', 'fmt'],
  ]) {
    if (await works('cargo', [probe, '--version'])) continue
    say(`rust component ${component}: adding it with rustup`)
    await must('rustup', ['component', 'add', component])
  }
}

/** SQLite is compiled from C, for the machine (cc) and for wasm32 (clang, llvm-ar). */
async function cCompiler() {
  const missing = []
  if (!(await works('cc'))) missing.push('build-essential')
  if (!(await clangForWasm())) missing.push('clang')
  if (!(await llvmAr())) missing.push('llvm')
  if (missing.length === 0) return say('cc, clang and llvm-ar')
  await systemPackages(missing, {
    dnf: 'sudo dnf install -y gcc clang llvm',
    brew: 'xcode-select --install; brew install llvm',
  })
  if (!(await clangForWasm()) || !(await llvmAr())) {
    throw new Failure('clang or llvm-ar is still not on PATH after its installation.')
  }
}

async function clangForWasm() {
  const probe = [`--target=${WASM_TARGET}`, '-fsyntax-only', '-x', 'c', '/dev/null']
  for (const clang of [process.env.CC_wasm32_unknown_unknown, 'clang', ...homebrew('clang')]) {
    if (clang && (await works(clang, probe))) return true
  }
  return false
}

async function llvmAr() {
  for (const ar of [process.env.AR_wasm32_unknown_unknown, 'llvm-ar', ...homebrew('llvm-ar')]) {
    if (ar && (await works(ar))) return true
  }
  return false
}

/** Homebrew does not link LLVM into PATH; `cargo xtask wasm` looks there too. */
function homebrew(program) {
  return [`/opt/homebrew/opt/llvm/bin/${program}`, `/usr/local/opt/llvm/bin/${program}`]
}

async function systemPackages(packages, { dnf, brew } = {}) {
  const apt = ['install', '-y', '--no-install-recommends', ...packages]
  if (!CAN_APT) {
    throw new Failure(
      `Missing: ${packages.join(', ')}. Install with the line for your system and run this again:\n` +
        `  Debian, Ubuntu:  sudo apt-get ${apt.join(' ')}\n  Fedora:          ${dnf}\n  macOS:           ${brew}`,
    )
  }
  say(`${packages.join(', ')}: installing with apt-get`)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  await must('apt-get', ['update', '-q'], { quiet: true, env })
  await must('apt-get', ['-q', ...apt], { quiet: true, env })
}

/** The lock file decides. Skipped when nothing that decides has changed since the last installation. */
async function npmPackages() {
  const stamp = path.join(ROOT, 'node_modules/.stepwell-install')
  const wanted = manifestsDigest()
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) {
    return say('npm packages are those of pnpm-lock.yaml')
  }
  const { packageManager } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'))
  say(`npm packages: ${packageManager} install --frozen-lockfile`)
  await must('npx', ['--yes', packageManager, 'install', '--frozen-lockfile'])
  writeFileSync(stamp, wanted)
}

function manifestsDigest() {
  const hash = createHash('sha256')
  const members = ['packages', 'examples'].flatMap((parent) => {
    const folder = path.join(ROOT, parent)
    return existsSync(folder) ? readdirSync(folder).map((name) => `${parent}/${name}`) : []
  })
  const folders = ['.', ...members, 'playwright', 'bench']
  const manifests = folders.map((folder) => `${folder}/package.json`)
  for (const name of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests]) {
    const file = path.join(ROOT, name)
    if (existsSync(file)) hash.update(`${name}\n`).update(readFileSync(file))
  }
  return hash.digest('hex')
}

/** An independent reader of what the engine writes. */
async function sqliteShell() {
  if (!(await works('sqlite3', ['-version']))) {
    await systemPackages(['sqlite3'], {
      dnf: 'sudo dnf install -y sqlite',
      brew: 'brew install sqlite',
    })
  }
  say('sqlite3')
}

async function browser(required) {
  if (findChromium()) return say(`chromium: ${findChromium()}`)
  if (CAN_APT && !IS_UBUNTU) {
    await systemPackages(['chromium'])
  } else {
    // Ubuntu has no Chromium package but a stub for snap.
    say('chromium: downloading the one of Playwright')
    const { code } = await run(bin('playwright'), ['install', 'chromium'])
    if (code !== 0 || !findChromium()) {
      const advice =
        'No Chromium. Install one (Debian: sudo apt-get install -y chromium; Fedora: sudo dnf install -y chromium; ' +
        'macOS: brew install --cask chromium) or name one in STEPWELL_CHROMIUM.'
      if (required) throw new Failure(advice)
      return say(`chromium: ${advice} Only the tests need it.`)
    }
  }
  say(`chromium: ${findChromium()}`)
}

function say(line) {
  console.log(`setup: ${line}`)
}

await program(import.meta, () => setup())
