// Vite 8 without any configuration, and with the plugin that Vite 7 needs; Vite 7 with it.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { startServer } from '../server/server.mjs'
import { checkBundled, openBundled } from '../support/bundled.js'
import { expect, test } from '../support/fixtures.js'
import { ROOT, run, versionOf } from '../support/packed.js'
import { type PackedApp, packedApp } from '../support/packed-app.js'
import { type Site, startProgram } from '../support/program-server.js'

/** What installs, builds or compiles an app. */
const HEAVY_MS_MAX = 240_000
const VITE_7 = '7.3.8'
const REACT_18 = '18.3.1'
const LISTEN = ['--host', '127.0.0.1', '--port', '0']

const TYPED = `
import { stepwell } from '@stepwell/core/vite'
import { defineConfig } from 'vite'
export default defineConfig({ plugins: [stepwell()] })
`
const STRICT_TYPES =
  '--noEmit --strict --exactOptionalPropertyTypes --skipLibCheck --module nodenext --target es2022'.split(
    ' ',
  )

const react = (version: string) => ({ react: version, 'react-dom': version })
const page = 'bundlers/page'
const VITE_8 = {
  name: 'vite-8',
  react: versionOf('react'),
  dependencies: { ...react(versionOf('react')), vite: versionOf('vite') },
  sources: [page],
}
const APPS = [
  VITE_8,
  {
    name: 'vite-8-plugin',
    react: versionOf('react'),
    dependencies: { ...react(versionOf('react')), vite: versionOf('vite') },
    sources: [page, 'bundlers/vite-plugin'],
  },
  {
    name: 'vite-7',
    react: REACT_18,
    dependencies: { ...react(REACT_18), vite: VITE_7 },
    sources: [page, 'bundlers/vite-plugin'],
  },
]

for (const { react, ...source } of APPS) {
  checkBundled({
    title: `${source.name}, dev server`,
    start: () => vite(packedApp(source), ['dev']),
    workers: 'module',
    react,
  })
  checkBundled({
    title: `${source.name}, build and preview`,
    start() {
      const app = packedApp(source)
      build(app)
      return vite(app, ['preview'])
    },
    workers: 'module',
    react,
  })
}

for (const { react: _, ...source } of APPS.filter(({ sources }) => sources.length > 1)) {
  test(`${source.name}: the plugin is one by the types of Vite, however strict`, () => {
    test.setTimeout(HEAVY_MS_MAX)
    const { folder } = packedApp(source)
    writeFileSync(path.join(folder, 'typed.config.mts'), TYPED)
    const compiler = path.join(ROOT, 'node_modules/typescript/bin/tsc')
    run(process.execPath, [compiler, ...STRICT_TYPES, 'typed.config.mts'], folder)
  })
}

const STRICT =
  "default-src 'none'; worker-src 'self'; img-src data:; connect-src 'self' http://127.0.0.1:*"

checkBundled({
  title: 'vite-8, build, under a Content-Security-Policy without unsafe-eval',
  start: () => underPolicy(`${STRICT}; script-src 'self' 'wasm-unsafe-eval'`),
  workers: 'module',
  react: VITE_8.react,
})

test('a Content-Security-Policy that allows no wasm: the status says what to allow', async ({
  sharedContext,
  server,
  key,
}) => {
  test.setTimeout(HEAVY_MS_MAX)
  const site = await underPolicy(`${STRICT}; script-src 'self'`)
  const { page } = await openBundled(sharedContext, site.origin, server.origin, key)
  await expect(page.getByText('engine unavailable')).toBeVisible()
  await expect(page.getByRole('alert')).toHaveText(/^internal: .*'wasm-unsafe-eval'/)
  await page.close()
  await site.close()
})

function underPolicy(policy: string): Promise<Site> {
  const app = packedApp(VITE_8)
  build(app)
  const headers = { 'content-security-policy': policy }
  return startServer({ root: path.join(app.folder, 'dist'), headers })
}

function build(app: PackedApp): void {
  app.make(['dist'], () => run(app.bin('vite'), ['build', '--logLevel', 'warn'], app.folder))
}

function vite(app: PackedApp, args: readonly string[]): Promise<Site> {
  return startProgram(app.bin('vite'), [...args, ...LISTEN], app.folder)
}
