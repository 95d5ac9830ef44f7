// Vite 8 without any configuration, and with the plugin that Vite 7 needs; Vite 7 with it.
import { checkBundled } from '../support/bundled.js'
import { run, versionOf } from '../support/packed.js'
import { type PackedApp, packedApp } from '../support/packed-app.js'
import { startProgram } from '../support/program-server.js'

const VITE_7 = '7.3.8'
const REACT_18 = '18.3.1'
const LISTEN = ['--host', '127.0.0.1', '--port', '0']

const react = (version: string) => ({ react: version, 'react-dom': version })
const page = 'bundlers/page'
const APPS = [
  {
    name: 'vite-8',
    react: versionOf('react'),
    dependencies: { ...react(versionOf('react')), vite: versionOf('vite') },
    sources: [page],
  },
  {
    name: 'vite-8-plugin',
    react: versionOf('react'),
    dependencies: { ...react(versionOf('react')), vite: versionOf('vite') },
    sources: [page, 'bundlers/vite-7'],
  },
  {
    name: 'vite-7',
    react: REACT_18,
    dependencies: { ...react(REACT_18), vite: VITE_7 },
    sources: [page, 'bundlers/vite-7'],
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
      app.make(['dist'], () => run(app.bin('vite'), ['build', '--logLevel', 'warn'], app.folder))
      return vite(app, ['preview'])
    },
    workers: 'module',
    react,
  })
}

function vite(app: PackedApp, args: readonly string[]) {
  return startProgram(app.bin('vite'), [...args, ...LISTEN], app.folder)
}
