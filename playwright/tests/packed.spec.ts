// The tarballs that would be published, in an app outside of this repository.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startServer } from '../server/server.mjs'
import { expect, test } from '../support/fixtures.js'
import { npmInstall, pack, run, versionOf } from '../support/packed.js'

const JOBS = `
import { defineJob } from '@stepwell/core'
import { serveJobs } from '@stepwell/core/executor'

export const add = defineJob({
  name: 'add',
  run: async (step, input) => {
    let sum = 0
    for (const n of input.numbers) sum += await step.run('n-' + n, () => n)
    return sum
  },
})
export const jobs = serveJobs({ add })
`

const MAIN = `
import { createElement as h, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { createStepwell } from '@stepwell/core'
import { StepwellProvider, useJob } from '@stepwell/react'
import { add, jobs } from './jobs.js'

const client = createStepwell({
  jobs,
  worker: () => new Worker(new URL('./jobs.js', import.meta.url), { type: 'module' }),
  database: 'packed',
})
function App() {
  const job = useJob(add)
  return h('div', null,
    h('button', { disabled: job.isLoading || job.isActive, onClick: () => job.trigger({ numbers: [1, 2, 39] }) }, 'Add'),
    h('output', null, job.status === 'completed' ? 'sum ' + job.output : job.status))
}
createRoot(document.getElementById('root')).render(h(StrictMode, null, h(StepwellProvider, { client }, h(App))))
`

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

function packAndInstall(react: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'stepwell-app-'))
  const dependencies = {
    ...pack(folder),
    react,
    'react-dom': react,
    vite: versionOf('vite'),
  }
  const manifest = { name: 'app', private: true, type: 'module', dependencies }
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest))
  npmInstall(folder)
  return folder
}

// Ends by itself only where nothing was left running.
const PLAIN_IMPORT = `
const touched = []
for (const name of ['Worker', 'SharedWorker', 'navigator', 'WebAssembly', 'indexedDB', 'document', 'window',
  'localStorage', 'BroadcastChannel', 'MessageChannel', 'fetch', 'addEventListener', 'postMessage']) {
  Object.defineProperty(globalThis, name, { configurable: true, get: () => void touched.push(name) })
}
const before = Reflect.ownKeys(globalThis)
const names = Object.keys(await import('@stepwell/core'))
await import('@stepwell/core/executor')
await import('@stepwell/core/testing')
const made = Reflect.ownKeys(globalThis).filter((name) => !before.includes(name))
console.log(JSON.stringify({ made, touched, isThere: names.includes('createStepwell') }))
`

for (const react of [versionOf('react'), '18.3.1']) {
  test.describe(`packed, in an app with React ${react}`, () => {
    let app: string

    test.beforeAll(() => {
      test.setTimeout(180_000)
      app = packAndInstall(react)
    })
    test.afterAll(() => rmSync(app, { recursive: true, force: true }))

    test('an empty Vite app with default settings builds, and completes a run', async ({
      sharedContext,
    }) => {
      test.setTimeout(60_000)
      mkdirSync(path.join(app, 'src'))
      writeFileSync(path.join(app, 'src/jobs.js'), JOBS)
      writeFileSync(path.join(app, 'src/main.js'), MAIN)
      writeFileSync(
        path.join(app, 'index.html'),
        '<!doctype html><div id="root"></div><script type="module" src="/src/main.js"></script>',
      )
      run(path.join(app, 'node_modules/.bin/vite'), ['build', '--logLevel', 'warn'], app)
      const server = await startServer({ root: path.join(app, 'dist') })
      const page = await sharedContext.newPage()
      await page.goto(server.origin)
      await page.getByRole('button', { name: 'Add' }).click()
      await expect(page.getByText('sum 42')).toBeVisible()
      await page.close()
      await server.close()
    })

    test('importing, creating a client and rendering on a server touch no browser global', () => {
      writeFileSync(path.join(app, 'render.mjs'), SERVER_RENDER)
      const html = run(process.execPath, ['render.mjs'], app)
      expect(html.trim()).toBe('<p>loading true loading loading connecting</p>')
    })

    test('importing in plain Node touches no browser global, makes none and leaves nothing running', () => {
      const printed = run(process.execPath, ['--input-type=module', '--eval', PLAIN_IMPORT], app)
      expect(JSON.parse(printed)).toEqual({ made: [], touched: [], isThere: true })
    })
  })
}
