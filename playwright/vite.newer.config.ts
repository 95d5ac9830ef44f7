import path from 'node:path'
import { defineConfig, type Plugin } from 'vite'

const PAGES = path.join(import.meta.dirname, 'pages')

/** As the next version of the package would be built: its protocol is one further. */
function newerProtocol(): Plugin {
  return {
    name: 'newer-protocol',
    transform(code, id) {
      if (!id.endsWith('/generated/protocol.js')) return null
      const newer = code.replace(/(PROTOCOL_VERSION = )(\d+)/, (_, name, version) => {
        return `${name}${Number(version) + 1}`
      })
      if (newer === code) throw new Error(`there is no version of the protocol in ${id}`)
      return { code: newer, map: null }
    },
  }
}

// The plain page once more, of a newer build. All else is as in vite.config.ts.
export default defineConfig({
  root: PAGES,
  base: '/newer/',
  logLevel: 'error',
  plugins: [newerProtocol()],
  worker: { plugins: () => [newerProtocol()] },
  build: {
    outDir: path.join(import.meta.dirname, 'dist/newer'),
    emptyOutDir: true,
    sourcemap: false,
    rollupOptions: { input: { index: path.join(PAGES, 'index.html') } },
  },
})
