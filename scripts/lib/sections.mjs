// The checks of `npm test`, in the order in which they run. A section returns `{ passed, failed }`; one in which a
// tool ran nothing at all has failed.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { buildConformance, buildPackages, buildWasm, PACKAGES } from '../build.mjs'
import { findChromium } from './chromium.mjs'
import { bin, CACHE, must, ROOT, run } from './process.mjs'
import { measureSizes } from './sizes.mjs'

const MINUTE = 60_000

/** `needs: 'build'` also runs the build when the section was picked by `--only`. */
export const SECTIONS = [
  { name: 'rustfmt', group: 'rust', run: () => exits('cargo', ['fmt', '--all', '--check']) },
  {
    name: 'clippy',
    group: 'rust',
    run: () => exits('cargo', 'clippy --workspace --all-targets -- -D warnings'.split(' ')),
  },
  { name: 'cargo-test', group: 'rust', run: cargoTest },
  { name: 'codegen', group: 'rust', run: () => exits('cargo', ['xtask', 'codegen', '--check']) },
  { name: 'biome', group: 'ts', run: () => exits(bin('biome'), ['ci', '--colors=off', '.']) },
  { name: 'build', group: 'build', run: build },
  { name: 'typecheck', group: 'ts', needs: 'build', run: typecheck },
  { name: 'type-tests', group: 'ts', needs: 'build', run: typeTests },
  { name: 'sizes', group: 'ts', needs: 'build', run: sizes },
  { name: 'publint', group: 'ts', needs: 'build', run: publint },
  { name: 'invariants', group: 'invariants', needs: 'build', run: invariants },
  { name: 'vitest', group: 'vitest', needs: 'build', run: vitest },
  { name: 'playwright', group: 'playwright', needs: 'build', run: playwright },
]

/** A check that counts as one. */
async function exits(command, args, options) {
  const { code } = await run(command, args, options)
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}

function sum(results) {
  const total = { passed: 0, failed: 0 }
  for (const { passed, failed } of results) {
    total.passed += passed
    total.failed += failed
  }
  return total
}

/** A tool that reported no failure but ended badly (a compile error, a crash) has failed once. */
function judged({ code }, { passed, failed }) {
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed }
}

async function cargoTest() {
  const result = await run('cargo', ['test', '--workspace', '--no-fail-fast'])
  const lines = [...result.output.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed/gm)]
  return judged(
    result,
    sum(lines.map(([, passed, failed]) => ({ passed: Number(passed), failed: Number(failed) }))),
  )
}

async function build() {
  await buildWasm()
  await buildPackages()
  return { passed: 1 + PACKAGES.length, failed: 0 }
}

/** Installed on its own; `next build` checks its types, in playwright/tests/packed-next.spec.ts. */
const EXAMPLES_ELSEWHERE = ['next']

/** Tests, examples and benchmarks: sources that no build compiles. */
async function typecheck() {
  const folders = [...PACKAGES.map((name) => `packages/${name}/test`), 'playwright', 'bench']
  const examples = list('examples').filter((name) => !EXAMPLES_ELSEWHERE.includes(name))
  for (const name of examples) folders.push(`examples/${name}`)
  const results = []
  for (const folder of folders) {
    if (!existsSync(path.join(ROOT, folder, 'tsconfig.json'))) continue
    console.log(`tsc -p ${folder}`)
    results.push(await exits(bin('tsc'), ['-p', folder, '--noEmit']))
  }
  return sum(results)
}

/** Under the newest TypeScript and under the oldest that is supported. */
async function typeTests() {
  const versions = {
    newest: path.join(ROOT, 'node_modules/typescript/bin/tsc'),
    5.9: path.join(ROOT, 'node_modules/typescript-5.9/bin/tsc'),
  }
  const results = []
  for (const [version, tsc] of Object.entries(versions)) {
    for (const folder of ['type-tests', 'type-tests/unregistered']) {
      console.log(`${folder}, TypeScript ${version}`)
      results.push(
        await exits(process.execPath, [tsc, '-p', `packages/react/${folder}`, '--noEmit']),
      )
    }
  }
  return sum(results)
}

/** Fails under `STEPWELL_WASM=dev`: that wasm is not what users download. */
async function sizes() {
  const kept = await measureSizes()
  const passed = kept.filter(Boolean).length
  return { passed, failed: kept.length - passed }
}

/** Of the tarballs, packed as they would be published: only they show what `files` leaves out. */
async function publint() {
  const { packageManager } = readJson(path.join(ROOT, 'package.json'))
  const packs = path.join(CACHE, 'packs')
  rmSync(packs, { recursive: true, force: true })
  mkdirSync(packs, { recursive: true })
  const results = []
  for (const name of PACKAGES) {
    const folder = path.join(ROOT, 'packages', name)
    const pack = ['--yes', packageManager, 'pack', '--pack-destination', packs]
    await must('npx', pack, { cwd: folder, quiet: true })
    const tarball = list(packs.slice(ROOT.length + 1)).find((file) => file.includes(`-${name}-`))
    const file = path.join(packs, tarball)
    results.push(await exits(bin('publint'), [file, '--strict']))
    // Both packages are ES modules alone; a CommonJS file gets them by `import()`, and by `require` from Node 20.19 on.
    results.push(await exits(bin('attw'), [file, '--profile', 'esm-only', '--no-color']))
    results.push(await packedFiles(name, file))
  }
  return sum(results)
}

/** The wasm is ignored by git and built by hand: nothing but this notices when it is not packed. */
async function packedFiles(name, tarball) {
  const files = (await must('tar', ['-tzf', tarball], { quiet: true })).split('\n')
  const wasm = ['package/wasm/stepwell_wasm.js', 'package/wasm/stepwell_wasm_bg.wasm']
  const always = ['package/dist/index.js', 'package/LICENSE', 'package/README.md']
  const wanted = [...always, ...(name === 'core' ? wasm : [])]
  const missing = wanted.filter((file) => !files.includes(file))
  const unwanted = files.filter((file) => /\/\.[^/]*$|^package\/(src|test)\//.test(file))
  for (const file of missing) console.log(`${name}: ${file} is not in the tarball`)
  for (const file of unwanted) console.log(`${name}: ${file} should not be in the tarball`)
  const failed = missing.length + unwanted.length > 0 ? 1 : 0
  return { passed: 1 - failed, failed }
}

async function invariants() {
  const reporter = ['--test', '--test-reporter=tap']
  const result = await run(process.execPath, [...reporter, 'scripts/invariants.test.mjs'])
  const count = (word) =>
    Number(result.output.match(new RegExp(`^# ${word} (\\d+)$`, 'm'))?.[1] ?? 0)
  return judged(result, { passed: count('pass'), failed: count('fail') + count('cancelled') })
}

async function vitest() {
  const results = []
  for (const name of PACKAGES) {
    const cwd = path.join(ROOT, 'packages', name)
    if (!existsSync(path.join(cwd, 'test'))) continue
    const report = freshReport(`vitest-${name}.json`)
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
    const args = ['run', '--dir', 'test', ...reporters]
    const result = await run(bin('vitest'), args, { cwd, timeoutMs: 10 * MINUTE })
    const { numPassedTests = 0, numFailedTests = 0 } = readJson(report) ?? {}
    results.push(judged(result, { passed: numPassedTests, failed: numFailedTests }))
  }
  return sum(results)
}

/** A flaky test is a failed one: a retry hides a race. */
async function playwright(extra) {
  const cwd = path.join(ROOT, 'playwright')
  if (!existsSync(cwd)) return { passed: 0, failed: 0 }
  await buildConformance()
  const report = freshReport('playwright.json')
  const env = { PLAYWRIGHT_JSON_OUTPUT_FILE: report, STEPWELL_CHROMIUM: findChromium() ?? '' }
  const args = ['test', '--reporter=list,json', ...extra]
  const result = await run(bin('playwright'), args, { cwd, env, timeoutMs: 45 * MINUTE })
  const { expected = 0, unexpected = 0, flaky = 0 } = readJson(report)?.stats ?? {}
  return judged(result, { passed: expected, failed: unexpected + flaky })
}

function freshReport(name) {
  mkdirSync(CACHE, { recursive: true })
  const file = path.join(CACHE, name)
  rmSync(file, { force: true })
  return file
}

function readJson(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}

function list(folder) {
  const absolute = path.join(ROOT, folder)
  return existsSync(absolute) ? readdirSync(absolute) : []
}
