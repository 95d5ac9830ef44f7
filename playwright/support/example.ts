/** What the tests of the examples share: their build, and the words by which a visitor finds their way. */
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { expect, type Locator, type Page } from '@playwright/test'

const EXAMPLES = path.resolve(import.meta.dirname, '../../examples')
export const EXAMPLE = path.join(EXAMPLES, 'vite-react')

export function buildExample(folder: string, name: 'vanilla' | 'vite-react' = 'vite-react'): void {
  const cwd = path.join(EXAMPLES, name)
  const vite = path.join(cwd, 'node_modules/.bin/vite')
  execFileSync(vite, ['build', '--outDir', folder, '--emptyOutDir', '--logLevel', 'warn'], { cwd })
}

export const isLeader = (page: Page) =>
  expect(page.getByTestId('engine-status')).toContainText('leader')
export const button = (place: Page | Locator, name: string) =>
  place.getByRole('button', { name, exact: true })

/** Gives files to an input once it takes them: Playwright does not wait for that, and the page ignores what comes earlier. */
export async function giveFiles(
  input: Locator,
  files: Parameters<Locator['setInputFiles']>[0],
): Promise<void> {
  await expect(input).toBeEnabled()
  await input.setInputFiles(files)
}

export const status = (page: Page) => page.getByTestId('run-status')

/** The pictures of docs/proof.md, taken on request: STEPWELL_PICTURES names their folder. */
export async function picture(
  page: Page,
  name: string,
  width: number,
  colorScheme: 'light' | 'dark',
): Promise<void> {
  const pictures = process.env['STEPWELL_PICTURES']
  if (pictures === undefined) return
  const before = page.viewportSize()
  await page.emulateMedia({ colorScheme })
  await page.setViewportSize({ width, height: 900 })
  // Two frames: the chart follows the new width in the first one.
  await page.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
  )
  await page.screenshot({ path: path.join(pictures, `${name}.png`), fullPage: true })
  await page.emulateMedia({ colorScheme: null })
  if (before !== null) await page.setViewportSize(before)
}
