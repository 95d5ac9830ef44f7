import { existsSync } from 'node:fs'
import path from 'node:path'
import { defineConfig, type Plugin } from 'vite'

const HERE = import.meta.dirname
const DURABLY = 'virtual:durably'
const NOTHING = 'export const calls = {}, answerer = undefined'

/** The packages of `bench/durably` are installed by the driver; the page is built without them too. */
function durably(): Plugin {
  const isInstalled = existsSync(path.join(HERE, 'durably/node_modules/@coji/durably'))
  return {
    name: 'durably',
    resolveId(id) {
      if (id !== DURABLY) return null
      return isInstalled ? path.join(HERE, 'durably/pages/index.js') : `\0${DURABLY}`
    },
    load: (id) => (id === `\0${DURABLY}` ? NOTHING : null),
  }
}

// No alias for Stepwell: the page measures the built packages, by the exports of their package.json.
export default defineConfig({
  root: path.join(HERE, 'pages'),
  logLevel: 'error',
  plugins: [durably()],
  worker: { format: 'es' },
  // One React for both.
  resolve: { dedupe: ['react', 'react-dom'] },
  build: {
    outDir: path.join(HERE, 'dist'),
    emptyOutDir: true,
    target: 'esnext',
    // 'use client' is for frameworks that split by it.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
})
