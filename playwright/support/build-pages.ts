/** Before all tests: builds the pages, unless nothing that goes into them has changed since the last time. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const ROOT = path.resolve(import.meta.dirname, '..')
const STAMP = path.join(ROOT, 'dist/.built-from')

const INPUTS = [
  'pages',
  'vite.config.ts',
  '../pnpm-lock.yaml',
  '../packages/core/dist',
  '../packages/core/wasm',
  '../packages/core/package.json',
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
  const wanted = digest()
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return
  execFileSync(path.join(ROOT, 'node_modules/.bin/vite'), ['build'], {
    cwd: ROOT,
    stdio: 'inherit',
  })
  writeFileSync(STAMP, wanted)
}

function digest(): string {
  const hash = createHash('sha256')
  for (const input of INPUTS) {
    for (const file of filesIn(path.join(ROOT, input))) {
      hash.update(path.relative(ROOT, file)).update(readFileSync(file))
    }
  }
  return hash.digest('hex')
}

function filesIn(place: string): string[] {
  if (!statSync(place).isDirectory()) return [place]
  return readdirSync(place)
    .sort()
    .flatMap((name) => filesIn(path.join(place, name)))
}

// Playwright wants a default export here.
// biome-ignore lint/style/noDefaultExport: the contract of globalSetup
export default buildPages
