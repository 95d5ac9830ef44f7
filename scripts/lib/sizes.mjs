// What users download, each with its budget in bytes after brotli.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { ROOT } from './process.mjs'

/** `content` makes the very bytes that are served, before compression. */
const BUDGETS = [
  {
    name: 'packages/core/wasm/stepwell_wasm_bg.wasm',
    bytesMax: 467_500,
    content: () => readFileSync(path.join(ROOT, 'packages/core/wasm/stepwell_wasm_bg.wasm')),
  },
]

/** Measures everything, tells each figure with its budget, and returns whether each is kept. */
export async function measureSizes() {
  const kept = []
  for (const { name, bytesMax, content } of BUDGETS) {
    const bytes = brotliCompressSync(await content()).length
    kept.push(bytes <= bytesMax)
    const verdict = bytes <= bytesMax ? '' : `: ${count(bytes - bytesMax)} bytes too many`
    console.log(`${name}: ${count(bytes)} of ${count(bytesMax)} bytes (brotli)${verdict}`)
  }
  return kept
}

function count(bytes) {
  return bytes.toLocaleString('en')
}
