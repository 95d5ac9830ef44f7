// What users download, each with its budget in bytes after brotli.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { pageCode } from './page-code.mjs'
import { ROOT } from './process.mjs'

/** `load` makes the very bytes that are served, before compression; of those `beside` them only the size is told. */
const BUDGETS = [
  {
    name: 'packages/core/wasm/stepwell_wasm_bg.wasm',
    bytesMax: 380_000,
    load: () => ({
      files: [readFileSync(path.join(ROOT, 'packages/core/wasm/stepwell_wasm_bg.wasm'))],
    }),
  },
  { name: 'a page of core and react', bytesMax: 12_000, load: () => pageCode() },
  {
    name: 'the same page where it imports serveJobs, with the plugin for Vite',
    bytesMax: 12_000,
    load: () => pageCode('plugin'),
  },
  {
    name: 'the same page where it imports serveJobs, without the plugin',
    bytesMax: 27_000,
    load: () => pageCode('whole'),
  },
]

/** Measures everything, tells each figure with its budget, and returns whether each is kept. */
export async function measureSizes() {
  const kept = []
  for (const { name, bytesMax, load } of BUDGETS) {
    const { files, beside = {} } = await load()
    const bytes = compressed(files)
    kept.push(bytes <= bytesMax)
    const verdict = bytes <= bytesMax ? '' : `: ${count(bytes - bytesMax)} bytes too many`
    console.log(`${name}: ${count(bytes)} of ${count(bytesMax)} bytes (brotli)${verdict}`)
    for (const [when, more] of Object.entries(beside)) {
      console.log(`  ${when}: ${count(compressed(more))} bytes more`)
    }
  }
  return kept
}

/** As it is served: each file by itself. */
function compressed(files) {
  return files.reduce((sum, file) => sum + brotliCompressSync(file).length, 0)
}

function count(bytes) {
  return bytes.toLocaleString('en')
}
