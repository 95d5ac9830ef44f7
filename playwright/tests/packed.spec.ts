// The tarballs that would be published, in Node. In browsers: bundlers-*.spec.ts.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from '@playwright/test'
import { run, versionOf } from '../support/packed.js'
import { type PackedApp, packedApp } from '../support/packed-app.js'

// Node has no window, document, Worker, navigator or indexedDB: a touch of those throws by itself. What it has, too, is
// made to throw.
const SERVER_RENDER = `
import { createElement as h } from 'react'
import { renderToString } from 'react-dom/server'
for (const name of ['BroadcastChannel', 'WebAssembly', 'fetch']) {
  Object.defineProperty(globalThis, name, { get() { throw new Error('touched ' + name) } })
}
for (const name of ['window', 'document', 'Worker', 'navigator', 'indexedDB']) {
  if (name in globalThis) delete globalThis[name]
}

const { createStepwell, defineJob } = await import('@stepwell/core')
const { serveJobs } = await import('@stepwell/core/executor')
await import('@stepwell/core/testing')
const { StepwellProvider, useJob, useRun, useRunLogs, useStepwellStatus } = await import('@stepwell/react')
const add = defineJob({ name: 'add', run: () => 1 })
const client = createStepwell({ jobs: serveJobs({ add }), worker: () => { throw new Error('spawned a worker') } })
function App() {
  const job = useJob(add)
  const run = useRun('an-id')
  const logs = useRunLogs('an-id')
  const { state } = useStepwellStatus()
  return h('p', null, [job.status, String(job.isLoading), run.status, logs.status, state].join(' '))
}
console.log(renderToString(h(StepwellProvider, { client }, h(App))))
`

/** Before the imports. React is imported by then: what it looks at is its own affair. */
const TRAPS = `
const touched = []
for (const name of ['Worker', 'SharedWorker', 'navigator', 'WebAssembly', 'indexedDB', 'document', 'window', 'self',
  'localStorage', 'BroadcastChannel', 'MessageChannel', 'fetch', 'addEventListener', 'postMessage', 'onmessage']) {
  Object.defineProperty(globalThis, name, { configurable: true, get: () => void touched.push(name) })
}
const before = Reflect.ownKeys(globalThis)
const loaded = {}
`
/** After them. Nothing ends the process: it ends by itself only where nothing was left running. */
const RESULT = `
const made = Reflect.ownKeys(globalThis).filter((name) => !before.includes(name))
console.log(JSON.stringify({ made, touched, loaded }))
`

// By `require`, which refuses a module that awaits anywhere in its graph, and which is over before another task runs.
const CLASSIC_WORKER = `
globalThis.DedicatedWorkerGlobalScope = class {}
const listened = []
globalThis.addEventListener = (type) => void listened.push(type)
globalThis.postMessage = () => undefined
require('@stepwell/core/engine-worker')
const engine = [typeof globalThis.onmessage, ...listened.splice(0)]
const { defineJob } = require('@stepwell/core')
const { serveJobs } = require('@stepwell/core/executor')
serveJobs({ add: defineJob({ name: 'add', run: () => 1 }) })
console.log(JSON.stringify({ engine, executor: listened }))
// The engine worker's port lives as long as its worker.
process.exit()
`

for (const react of [versionOf('react'), '18.3.1']) {
  test.describe(`packed, with React ${react}`, () => {
    let app: PackedApp
    /** Everything that can be imported. */
    let subpaths: string[]

    test.beforeAll(() => {
      test.setTimeout(180_000)
      const dependencies = { react, 'react-dom': react }
      app = packedApp({ name: `node-react-${react}`, dependencies, sources: [] })
      subpaths = ['@stepwell/core', '@stepwell/react'].flatMap((name) => exportsOf(app, name))
    })

    test('importing, creating a client and rendering on a server touch no browser global', () => {
      expect(node(app, 'render.mjs', SERVER_RENDER).trim()).toBe(
        '<p>loading true loading loading connecting</p>',
      )
    })

    test('every subpath can be imported in plain Node: no global touched or made, nothing left running', () => {
      const imports = subpaths.map(
        (name) => `loaded['${name}'] = Object.keys(await import('${name}')).length`,
      )
      const script = ["import 'react'; import 'react/jsx-runtime'", TRAPS, ...imports, RESULT].join(
        '\n',
      )
      expectLoaded(node(app, 'import.mjs', script))
    })

    for (const how of ['import', 'require'] as const) {
      test(`every subpath can be had from a CommonJS file, by ${how}`, () => {
        const loads = subpaths.map(
          (name) => `loaded['${name}'] = Object.keys(await ${how}('${name}')).length`,
        )
        const script = [
          'void (async () => {',
          // By `import()`, for Node's own loader looks at WebAssembly when it is first used.
          "await import('react'); await import('react/jsx-runtime')",
          TRAPS,
          ...loads,
          RESULT,
          '})()',
        ].join('\n')
        expectLoaded(node(app, `${how}.cjs`, script))
      })
    }

    test('the code of both workers awaits nothing at its top, and listens at once', () => {
      const { engine, executor } = JSON.parse(node(app, 'classic.cjs', CLASSIC_WORKER))
      expect(engine).toEqual(['function', 'error', 'unhandledrejection'])
      expect(executor).toEqual(['message'])
    })

    function expectLoaded(printed: string): void {
      const { made, touched, loaded } = JSON.parse(printed)
      expect({ made, touched }).toEqual({ made: [], touched: [] })
      expect(Object.keys(loaded)).toEqual(subpaths)
      expect(loaded['@stepwell/core']).toBeGreaterThan(10)
      expect(loaded['@stepwell/react']).toBeGreaterThan(5)
    }
  })
}

function exportsOf(app: PackedApp, name: string): string[] {
  const manifest = path.join(app.folder, 'node_modules', name, 'package.json')
  const keys = Object.keys(JSON.parse(readFileSync(manifest, 'utf8')).exports)
  return keys.filter((key) => !key.endsWith('.json')).map((key) => name + key.slice(1))
}

function node(app: PackedApp, file: string, script: string): string {
  writeFileSync(path.join(app.folder, file), script)
  // `require` of an ES module is new enough for Node 20 to warn of it.
  return run(process.execPath, ['--no-warnings', file], app.folder)
}
