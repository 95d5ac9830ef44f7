// The pages stand for users' apps: they must get the packages as users do.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from '@playwright/test'

const ROOT = path.resolve(import.meta.dirname, '../..')
const CONFIGS = [
  'playwright/vite.config.ts',
  'examples/vite-react/vite.config.ts',
  'bench/vite.config.ts',
]

for (const file of CONFIGS) {
  test(`${file} has no alias`, () => {
    const config = readFileSync(path.join(ROOT, file), 'utf8').replaceAll(/^\s*\/\/.*$/gm, '')
    expect(config).not.toMatch(/alias\s*:|conditions\s*:|mainFields\s*:/)
  })
}

for (const name of ['core', 'react']) {
  test(`the exports of @stepwell/${name} lead to built files only`, () => {
    const manifest = JSON.parse(
      readFileSync(path.join(ROOT, 'packages', name, 'package.json'), 'utf8'),
    )
    const targets = JSON.stringify(manifest.exports).match(/"\.\/[^"]*\.(js|ts)"/g) ?? []
    expect(targets.length).toBeGreaterThan(0)
    for (const target of targets) expect(target).toMatch(/^"\.\/dist\//)
  })
}

test('the wasm is a file of its own in the built pages, and no page refers to it', () => {
  const assets = readdirSync(path.join(ROOT, 'playwright/dist/assets'))
  expect(assets.filter((file) => file.endsWith('.wasm'))).toHaveLength(1)
})
