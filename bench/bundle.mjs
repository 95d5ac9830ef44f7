// What an app of either downloads, as Vite builds it: minified, without React.
import path from 'node:path'
import { brotliCompressSync } from 'node:zlib'

/**
 * Bytes after brotli, each file by itself: of JavaScript, and of WebAssembly.
 *
 * @param {(file: { type: string, fileName: string }) => boolean} isLoaded bundlers also make files that no such app loads.
 */
export async function bundleSizes(entry, isLoaded) {
  // Not at the head: the driver builds its page with the command.
  const { build } = await import('vite')
  const { output } = await build({
    root: path.dirname(entry),
    configFile: false,
    logLevel: 'error',
    worker: { format: 'es' },
    build: {
      write: false,
      target: 'esnext',
      modulePreload: false,
      rolldownOptions: {
        input: entry,
        external: /^react(-dom)?(\/|$)/,
        checks: { moduleLevelDirective: false },
      },
    },
  })
  const sizes = { js: 0, wasm: 0 }
  for (const file of output.filter(isLoaded)) {
    const content = Buffer.from(file.type === 'chunk' ? file.code : file.source)
    const kind = file.fileName.endsWith('.wasm') ? 'wasm' : 'js'
    sizes[kind] += brotliCompressSync(content).length
  }
  return sizes
}
