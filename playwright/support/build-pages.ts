/** Before all tests: builds the pages, unless nothing that goes into them has changed since the last time. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { digestOf } from './digest.js'

const ROOT = path.resolve(import.meta.dirname, '..')
const STAMP = path.join(ROOT, 'dist/.built-from')

const INPUTS = [
  'pages',
  'vite.config.ts',
  'vite.react-18.config.ts',
  'vite.newer.config.ts',
  '../pnpm-lock.yaml',
  '../packages/core/dist',
  '../packages/core/wasm',
  '../packages/core/package.json',
  // pages/fuzz.ts says what these tests say.
  '../packages/core/test/malformed.ts',
  '../packages/core/test/random.ts',
  '../packages/react/dist',
  '../packages/react/package.json',
]

function buildPages(): void {
  for (const input of INPUTS) {
    if (existsSync(path.join(ROOT, input))) continue
    throw new Error(
      `${input} is missing: run \`npm run build\` at the root of the repository first.`,
    )
  }
  const wanted = digestOf(ROOT, INPUTS)
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return
  for (const config of INPUTS.filter((input) => input.endsWith('.config.ts'))) {
    const args = ['build', '--config', config]
    execFileSync(path.join(ROOT, 'node_modules/.bin/vite'), args, { cwd: ROOT, stdio: 'inherit' })
  }
  writeFileSync(STAMP, wanted)
}

// Playwright wants a default export here.
// biome-ignore lint/style/noDefaultExport: the contract of globalSetup
export default buildPages
