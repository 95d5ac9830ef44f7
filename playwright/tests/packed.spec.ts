// The tarballs that would be published, in an app outside of this repository.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startServer } from '../server/server.mjs'
import { expect, test } from '../support/fixtures.js'

const ROOT = path.resolve(import.meta.dirname, '../..')

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

interface Installed {
  readonly folder: string
}

function run(command: string, args: readonly string[], cwd: string): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

function packAndInstall(react: string): Installed {
  const folder = mkdtempSync(path.join(tmpdir(), 'stepwell-app-'))
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
  const manifest = {
    name: 'app',
    private: true,
    type: 'module',
    dependencies: {
      '@stepwell/core': tarball('core'),
      '@stepwell/react': tarball('react'),
      react,
      'react-dom': react,
      vite: versionOf('vite'),
    },
  }
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest))
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--silent'], folder)
  return { folder }
}

/** The version that the repository itself is tested with. */
function versionOf(name: string): string {
  const file = path.join(import.meta.dirname, '../node_modules', name, 'package.json')
  return String(JSON.parse(readFileSync(file, 'utf8')).version)
}

for (const react of [versionOf('react'), '18.3.1']) {
  test.describe(`packed, in an app with React ${react}`, () => {
    let app: Installed

    test.beforeAll(() => {
      test.setTimeout(180_000)
      app = packAndInstall(react)
    })
    test.afterAll(() => rmSync(app.folder, { recursive: true, force: true }))

    test('an empty Vite app with default settings builds, and completes a run', async ({
      sharedContext,
    }) => {
      test.setTimeout(60_000)
      mkdirSync(path.join(app.folder, 'src'))
      writeFileSync(path.join(app.folder, 'src/jobs.js'), JOBS)
      writeFileSync(path.join(app.folder, 'src/main.js'), MAIN)
      writeFileSync(
        path.join(app.folder, 'index.html'),
        '<!doctype html><div id="root"></div><script type="module" src="/src/main.js"></script>',
      )
      run(
        path.join(app.folder, 'node_modules/.bin/vite'),
        ['build', '--logLevel', 'warn'],
        app.folder,
      )
      const server = await startServer({ root: path.join(app.folder, 'dist') })
      const page = await sharedContext.newPage()
      await page.goto(server.origin)
      await page.getByRole('button', { name: 'Add' }).click()
      await expect(page.getByText('sum 42')).toBeVisible()
      await page.close()
      await server.close()
    })

    test('importing, creating a client and rendering on a server touch no browser global', () => {
      writeFileSync(path.join(app.folder, 'render.mjs'), SERVER_RENDER)
      const html = run(process.execPath, ['render.mjs'], app.folder)
      expect(html.trim()).toBe('<p>loading true loading loading connecting</p>')
    })
  })
}
