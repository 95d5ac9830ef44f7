/** The one check of every bundler's app: `bundlers/page`, installed from the tarballs, in Chromium. */
import type { BrowserContext, Page } from '@playwright/test'
import { expect, test } from './fixtures.js'
import type { Site } from './program-server.js'

export interface Bundled {
  readonly title: string
  /** Builds and serves the app. */
  start(): Promise<Site>
  /** As what the bundler starts workers. */
  readonly workers: 'module' | 'classic'
  readonly react: string
}

/** Has nothing been said on the console, and thrown by nobody: also in workers. */
export interface Opened {
  readonly page: Page
  readonly problems: readonly string[]
}

export function checkBundled({ title, start, workers, react }: Bundled): void {
  test.describe(title, () => {
    let site: Site

    test.beforeAll(async () => {
      test.setTimeout(240_000)
      site = await start()
    })
    test.afterAll(() => site?.close())

    test('a run completes in a worker of its jobs, and is stored', async ({
      sharedContext,
      server,
      key,
    }) => {
      server.gate(key).open()
      const { page, problems } = await openBundled(sharedContext, site.origin, server.origin, key)
      await expect(page.getByText('engine ready, storage best-effort')).toBeVisible()
      await expect(page.getByRole('heading', { name: `React ${react}` })).toBeVisible()
      await page.getByRole('button', { name: 'Add' }).click()
      await expect(page.getByText('sum 42')).toBeVisible()
      expect(await page.evaluate(() => window.spawned)).toEqual([workers, workers])
      expect(problems).toEqual([])
      await page.close()
    })

    test('a run resumes after a reload in its midst', async ({ sharedContext, server, key }) => {
      const { page, problems } = await openBundled(sharedContext, site.origin, server.origin, key)
      await page.getByRole('button', { name: 'Add' }).click()
      await server.gate(key).reached()
      await page.reload()
      await server.gate(key).reached(2)
      await expect(page.getByText('steps 1')).toBeVisible()
      await expect(page.getByRole('button', { name: 'Add' })).toBeDisabled()
      server.gate(key).open()
      await expect(page.getByText('sum 42')).toBeVisible()
      expect(server.witness.counts(`${key}/`)).toEqual({
        [`${key}/n-0`]: 1,
        [`${key}/n-1`]: 2,
        [`${key}/n-2`]: 1,
      })
      expect(problems).toEqual([])
      await page.close()
    })
  })
}

export async function openBundled(
  context: BrowserContext,
  origin: string,
  server: string,
  key: string,
): Promise<Opened> {
  const page = await context.newPage()
  const problems: string[] = []
  page.on('pageerror', ({ message }) => problems.push(message))
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text())
  })
  await page.addInitScript(recordWorkers)
  await page.goto(`${origin}/?${new URLSearchParams({ server, key })}`)
  return { page, problems }
}

/** Runs in the page: what kind each worker is that it makes. */
function recordWorkers(): void {
  window.spawned = []
  window.Worker = class extends Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options)
      window.spawned.push(options?.type ?? 'classic')
    }
  }
}

declare global {
  interface Window {
    spawned: ('module' | 'classic')[]
  }
}
