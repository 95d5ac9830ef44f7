/**
 * What tests get: the server (one a worker process), a browser with a profile on disk that the tests of a worker share,
 * and a database name and a witness key that no other test has.
 */

import path from 'node:path'
import { type BrowserContext, test as base, expect, type Page } from '@playwright/test'
import { startServer, type TestServer } from '../server/server.mjs'
import { launch, makeProfile, removeProfile } from './browser.js'

export { expect }

export interface PageOptions {
  /** Default `index.html`. */
  readonly page?:
    | 'index.html'
    | 'own-engine.html'
    | 'fewer.html'
    | 'denied.html'
    | 'quiet.html'
    | 'fuzz.html'
    | 'newer/index.html'
    | 'react.html'
    | 'react-18/react.html'
    | 'rich.html'
  readonly db?: string
  readonly executor?: 'worker' | 'page'
  readonly durability?: 'strict' | 'relaxed'
  readonly storage?: 'opfs' | 'memory'
  readonly concurrency?: number
  readonly executors?: number
  /** How many workers the page can make, until a test raises `window.spawnsMax`. */
  readonly spawnsMax?: number
  /** The option `context`. `stored`: what `localStorage` has under the database's name; it throws where that has nothing. */
  readonly stepContext?: 'stored' | 'uncloneable'
  /** More of the query string. */
  readonly query?: Readonly<Record<string, string>>
}

export type OpenPage = (
  options?: PageOptions & { readonly context?: BrowserContext },
) => Promise<Page>

interface TestFixtures {
  /** Unique to the test: a database name, a prefix of witness keys and of gate names. */
  key: string
  /** The address of a test page. */
  address: (options?: PageOptions) => string
  /** Opens a test page in a new tab, of the shared browser or of `context`. All are closed after the test. */
  openPage: OpenPage
  /** A new profile folder. */
  profile: string
  /** Starts a browser of one's own; ends with the test. */
  launchBrowser: (
    profile: string,
    options?: Parameters<typeof launch>[1],
  ) => Promise<BrowserContext>
}

interface WorkerFixtures {
  server: TestServer
  sharedContext: BrowserContext
}

const DIST = path.resolve(import.meta.dirname, '../dist')
let tests = 0

export const test = base.extend<TestFixtures, WorkerFixtures>({
  server: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures' names from it
    async ({}, use) => {
      const server = await startServer({ root: DIST })
      await use(server)
      await server.close()
    },
    { scope: 'worker' },
  ],
  sharedContext: [
    // biome-ignore lint/correctness/noEmptyPattern: as above
    async ({}, use) => {
      const profile = makeProfile()
      const context = await launch(profile)
      // A page's clock is its context's: those of all later tests would be ahead, and fake.
      context.clock.install = () => {
        throw new Error('A clock needs a browser of its own: see launchBrowser.')
      }
      await use(context)
      await context.close()
      removeProfile(profile)
    },
    { scope: 'worker' },
  ],
  // biome-ignore lint/correctness/noEmptyPattern: as above
  key: async ({}, use, { workerIndex }) => {
    tests += 1
    await use(`t${workerIndex}-${tests}`)
  },
  address: async ({ server, key }, use) => {
    await use((options = {}) => addressOf(server.origin, key, options))
  },
  openPage: async ({ sharedContext, address }, use) => {
    const pages: Page[] = []
    await use(async ({ context = sharedContext, ...options } = {}) => {
      const page = await context.newPage()
      pages.push(page)
      await page.goto(address(options))
      return page
    })
    for (const page of pages) {
      // Nothing may fail behind a test's back.
      expect(page.isClosed() ? [] : await unhandledIn(page)).toEqual([])
      await page.close()
    }
  },
  // biome-ignore lint/correctness/noEmptyPattern: as above
  profile: async ({}, use) => {
    const profile = makeProfile()
    await use(profile)
    removeProfile(profile)
  },
  launchBrowser: async ({ profile: _closedBeforeItsProfileIsRemoved }, use) => {
    const contexts: BrowserContext[] = []
    await use(async (profile, options) => {
      const context = await launch(profile, options)
      contexts.push(context)
      return context
    })
    for (const context of contexts) await context.close()
  },
})

/** `[]` also where the page has crashed or is no page of ours. */
function unhandledIn(page: Page): Promise<string[]> {
  return page.evaluate(() => window.unhandled ?? []).catch(() => [])
}

export function addressOf(origin: string, key: string, options: PageOptions): string {
  const { page = 'index.html', query = {}, db = key, ...rest } = options
  const url = new URL(page, `${origin}/`)
  url.searchParams.set('db', db)
  for (const [name, value] of Object.entries({ ...rest, ...query })) {
    url.searchParams.set(name, String(value))
  }
  return url.href
}
