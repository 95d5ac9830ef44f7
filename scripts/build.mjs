// Everything that is built before something can run: wasm, then the packages in the order of their dependencies.
//
//   npm run build            release wasm, which is what users get and what the tests run on
//   npm run build -- --dev   wasm that is quicker to build and keeps function names (or STEPWELL_WASM=dev)

import { existsSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { bin, must, program, ROOT } from './lib/process.mjs'

export const PACKAGES = ['core', 'react']

export async function buildWasm({ dev = process.env.STEPWELL_WASM === 'dev' } = {}) {
  await must('cargo', ['xtask', 'wasm', dev ? '--dev' : '--release'])
}

/** The wasm with the scenarios that every Store must pass. Only playwright/tests/conformance.spec.ts runs it. */
export async function buildConformance() {
  await must('cargo', ['xtask', 'wasm', '--conformance'])
}

export async function buildPackages() {
  for (const name of PACKAGES) {
    const folder = path.join(ROOT, 'packages', name)
    await must(bin('tsc'), ['-p', folder])
    removeStale(path.join(folder, 'dist'), path.join(folder, 'src'))
    console.log(`built packages/${name}`)
  }
}

/** tsc leaves the outputs of deleted sources; emptying `dist` first would break a dev server that reads it. */
function removeStale(dist, src) {
  for (const entry of readdirSync(dist, { withFileTypes: true })) {
    const output = path.join(dist, entry.name)
    const source = path.join(src, entry.name.replace(/(\.d\.ts|\.js)(\.map)?$/, ''))
    if (entry.isDirectory() && existsSync(source)) {
      removeStale(output, source)
    } else if (!existsSync(`${source}.ts`) && !existsSync(`${source}.tsx`)) {
      rmSync(output, { recursive: true })
    }
  }
}

await program(import.meta, async (args) => {
  await buildWasm(args.includes('--dev') ? { dev: true } : {})
  await buildPackages()
})
