// The layer rules of ARCHITECTURE.md that a machine can check. Needs the built packages.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { ROOT } from './lib/process.mjs'

/** Which crates of ours a crate may depend on. A new crate must be added here. */
const ALLOWED_DEPENDENCIES = {
  'stepwell-protocol': [],
  'stepwell-engine': ['stepwell-protocol'],
  'stepwell-sqlite': ['stepwell-protocol', 'stepwell-engine'],
  'stepwell-vfs': [],
  'stepwell-wasm': ['stepwell-protocol', 'stepwell-engine', 'stepwell-sqlite', 'stepwell-vfs'],
  'stepwell-sim': ['stepwell-protocol', 'stepwell-engine', 'stepwell-sqlite', 'stepwell-vfs'],
  xtask: ['stepwell-protocol', 'stepwell-sim'],
}
/** Crates that may contain SQL. */
const SQL_CRATES = ['stepwell-sqlite']
/** Crates that know they run beside JavaScript. */
const JS_CRATES = ['stepwell-wasm']
/** Crates that are deterministic: time and entropy are in their input. */
const PURE_CRATES = ['stepwell-protocol', 'stepwell-engine']

const SQL =
  /\bSELECT\s[\s\S]{1,400}?\bFROM\b|\bINSERT\s+(OR\s+\w+\s+)?INTO\b|\bUPDATE\s+\w+\s+SET\b|\bDELETE\s+FROM\b|\b(CREATE|DROP|ALTER)\s+(UNIQUE\s+)?(TABLE|INDEX|TRIGGER|VIEW)\b|\bPRAGMA\s+\w|\bpragma_(update|query)\b/

/** Those of ACCEPTANCE that are built: sections A to H, what I says of engines that share a file and of many runs, and J6. */
const ACCEPTANCE_LINES = [
  ...Object.entries({ A: 10, B: 8, C: 8, D: 3, E: 7, F: 4, G: 2, H: 5 }).flatMap(
    ([section, count]) => Array.from({ length: count }, (_, i) => `${section}${i + 1}`),
  ),
  ...['I3', 'I4'],
  ...Array.from({ length: 6 }, (_, i) => `J${i + 1}`),
]

const crates = readdirSync(path.join(ROOT, 'crates'))
const sourcesOf = (crate) => files(`crates/${crate}`, /\.rs$/)

test('crates depend on each other in one direction only', () => {
  const args = ['metadata', '--format-version', '1', '--no-deps']
  const { packages } = JSON.parse(execFileSync('cargo', args, { cwd: ROOT, encoding: 'utf8' }))
  for (const { name, dependencies } of packages) {
    const allowed = ALLOWED_DEPENDENCIES[name]
    assert.ok(allowed, `${name} has no place in the dependency order yet: give it one in this file`)
    for (const dependency of dependencies.filter(({ path }) => path)) {
      assert.ok(allowed.includes(dependency.name), `${name} must not depend on ${dependency.name}`)
    }
  }
})

test('only stepwell-sqlite contains SQL', () => {
  const rust = crates.filter((crate) => !SQL_CRATES.includes(crate)).flatMap(sourcesOf)
  const typescript = ['core', 'react'].flatMap((name) => files(`packages/${name}/src`, /\.tsx?$/))
  for (const file of [...rust, ...typescript]) refuse(file, SQL)
})

test('only stepwell-wasm mentions JsValue', () => {
  for (const crate of crates.filter((crate) => !JS_CRATES.includes(crate))) {
    for (const file of sourcesOf(crate)) refuse(file, /\b(JsValue|js_sys|web_sys)\b/)
  }
})

test('the engine reads no clock, draws no randomness and never awaits', () => {
  const impure = /\b(Instant|SystemTime|thread|getrandom|rand)::/
  const awaits = /\basync\s+fn\b|\.await\b/
  for (const crate of PURE_CRATES) {
    for (const file of files(`crates/${crate}/src`, /\.rs$/)) {
      refuse(file, impure)
      // The jobs of these scenarios are futures, as those of users are promises; each scenario polls its own.
      if (!file.includes('/conformance/durable/')) refuse(file, awaits)
    }
  }
})

test('user payloads are not parsed in the engine', () => {
  const parse = /\bserde_json::(from_\w+|Value|to_value)\b/
  for (const file of files('crates/stepwell-engine/src', /\.rs$/)) refuse(file, parse)
})

test('react imports only react and the public entry of core', () => {
  for (const file of files('packages/react/src', /\.tsx?$/)) {
    for (const specifier of imports(file)) {
      const allowed = /^\.\.?\/|^react$|^react\/jsx-runtime$|^@stepwell\/core$/.test(specifier)
      assert.ok(allowed, `${file} must not import ${specifier}`)
      const target = path.normalize(path.join(path.dirname(file), specifier))
      const leaves = specifier.startsWith('.') && !target.startsWith('packages/react/src/')
      assert.ok(!leaves, `${file} imports ${specifier}, which lies outside its package`)
    }
  }
})

test('in core only the engine worker touches the wasm artefact', () => {
  for (const file of files('packages/core/src', /\.ts$/)) {
    if (file.startsWith('packages/core/src/engine-worker/')) continue
    refuse(file, /stepwell_wasm|['"][^'"\n]*\/wasm\/|\bWebAssembly\.(instantiate|compile|Module)/)
  }
})

test('no entry of core reaches the engine worker by imports', () => {
  for (const entry of ['index', 'executor', 'testing']) {
    const reached = reachable(`packages/core/dist/${entry}.js`)
    const wrong = [...reached].find((file) => file.includes('/wasm/') || /stepwell_wasm/.test(file))
    assert.equal(wrong, undefined, `${entry} loads the wasm on the page`)
  }
})

test('importing the built packages in Node touches no browser global and has no effect', () => {
  const entries = ['core/dist/index', 'core/dist/executor', 'core/dist/testing', 'react/dist/index']
  // React is imported before the traps are set: what it looks at is its own affair.
  const script = `
    const { createRequire } = await import('node:module')
    createRequire(${JSON.stringify(path.join(ROOT, 'packages/react/package.json'))})('react')
    createRequire(${JSON.stringify(path.join(ROOT, 'packages/react/package.json'))})('react/jsx-runtime')
    for (const name of ['Worker', 'SharedWorker', 'navigator', 'WebAssembly', 'indexedDB', 'document', 'window',
      'localStorage', 'BroadcastChannel', 'MessageChannel', 'fetch', 'addEventListener', 'postMessage'])
      Object.defineProperty(globalThis, name, {
        configurable: true,
        get() { throw new Error('the import touched ' + name) },
      })
    const before = process.getActiveResourcesInfo().filter((kind) => kind !== 'CloseReq')
    for (const entry of ${JSON.stringify(entries)})
      await import(${JSON.stringify(`file://${ROOT}/packages/`)} + entry + '.js')
    const left = process.getActiveResourcesInfo().filter((kind) => /Timeout|Immediate|MessagePort|Worker/.test(kind))
    if (left.length > before.length) throw new Error('the import left behind: ' + left.join(', '))
  `
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', script],
    {
      encoding: 'utf8',
      timeout: 20_000,
    },
  )
  assert.equal(status, 0, stderr.match(/^Error.*$/m)?.[0] ?? stderr)
})

test('the lock file names no registry', () => {
  const lock = readFileSync(path.join(ROOT, 'pnpm-lock.yaml'), 'utf8')
  const [address] = lock.match(/tarball:.*|https?:\/\/\S+/) ?? []
  assert.equal(address, undefined)
})

test('docs/acceptance.md names a test for each line, and each of them exists', () => {
  const rows = readFileSync(path.join(ROOT, 'docs/acceptance.md'), 'utf8').matchAll(
    /^\| ([A-J]\d+) +\| .* \| (.*?) +\|$/gm,
  )
  const found = [...rows].map(([, line, proofs]) => [line, proofs.split(' <br> ')])
  assert.deepEqual(
    found.map(([line]) => line),
    ACCEPTANCE_LINES,
  )
  for (const [line, entries] of found) {
    const proofs = entries.filter((entry) => !entry.startsWith('Open: '))
    assert.ok(proofs.length > 0, `${line} has no test`)
    for (const entry of proofs) {
      const [, file, names] = entry.match(/^`([^`]+)`: (“.+”)$/) ?? []
      assert.ok(names, `${line}: this is no \`file\`: “test”; “test”: ${entry}`)
      assert.ok(existsSync(path.join(ROOT, file)), `${line}: ${file} does not exist`)
      const source = code(file)
      for (const [, name] of names.matchAll(/“([^”]+)”/g)) {
        assert.ok(hasTest(file, source, name), `${line}: ${file} has no test “${name}”`)
      }
    }
  }
})

/** Paths below `folder`, relative to the repository's root. */
function files(folder, pattern) {
  const absolute = path.join(ROOT, folder)
  assert.ok(existsSync(absolute), `${folder} does not exist: nothing would be checked`)
  return readdirSync(absolute, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => path.relative(ROOT, path.join(entry.parentPath, entry.name)))
    .filter((file) => !file.includes('node_modules'))
}

/** A Rust function of that name, or a title (of a test, a group or a table's row) as a string in the source. */
function hasTest(file, source, name) {
  if (file.endsWith('.rs')) return new RegExp(`\\bfn ${name}\\(`).test(source)
  const titles = [...source.matchAll(/[([]\s*(?:'([^'\n]+)'|"([^"\n]+)"|`([^`\n]+)`)/g)]
  return titles.some(([, ...quoted]) => quoted.includes(name))
}

/** Fails when the code of the file, its comments left out, matches. */
function refuse(file, pattern) {
  const [hit] = code(file).match(pattern) ?? []
  assert.equal(hit, undefined, `${file} must not contain this`)
}

/** Comments behind code stay: a `//` or `/*` in a string is commoner than SQL in such a comment. */
function code(file) {
  return readFileSync(path.join(ROOT, file), 'utf8')
    .replace(/(?<=^|\s)\/\*[\s\S]*?\*\//gm, '')
    .replace(/^\s*\/\/.*$/gm, '')
}

function imports(file) {
  const pattern = /(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g
  return [...code(file).matchAll(pattern)].map(([, specifier]) => specifier)
}

function reachable(entry, seen = new Set()) {
  if (seen.has(entry)) return seen
  seen.add(entry)
  if (!existsSync(path.join(ROOT, entry))) return seen
  for (const specifier of imports(entry).filter((name) => name.startsWith('.'))) {
    reachable(path.normalize(path.join(path.dirname(entry), specifier)), seen)
  }
  return seen
}
