// The tarballs that would be published, in an app of Next.js: server rendering, and bundlers that make workers classic
// scripts.
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import {
  type Bundler,
  buildNextApp,
  installNextApp,
  type NextServer,
  startNextApp,
} from '../support/next-app.js'

// One folder: one after the other.
test.describe.configure({ mode: 'serial' })

const BUNDLERS: readonly Bundler[] = ['turbopack', 'webpack']

for (const bundler of BUNDLERS) {
  test.describe(`packed, in an app of Next.js with ${bundler}`, () => {
    let app: NextServer

    test.beforeAll(async () => {
      test.setTimeout(300_000)
      installNextApp()
      // Checks the types of the app against the packed ones, too.
      buildNextApp(bundler)
      app = await startNextApp()
    })
    test.afterAll(() => app?.close())

    test('the page is rendered on the server', async () => {
      const html = await (await fetch(app.origin)).text()
      expect(html).toMatch(/<button [^>]*disabled=""[^>]*>Add<\/button>/)
      expect(html).toContain('<output>loading</output>')
    })

    test('a run completes', async ({ sharedContext, server, key }) => {
      server.gate(key).open()
      const { page, errors } = await open(sharedContext, app.origin, server.origin, key)
      await page.getByRole('button', { name: 'Add' }).click()
      await expect(page.getByText('sum 42')).toBeVisible()
      expect(errors).toEqual([])
      await page.close()
    })

    test('a run resumes after a reload in its midst', async ({ sharedContext, server, key }) => {
      const { page, errors } = await open(sharedContext, app.origin, server.origin, key)
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
      expect(errors).toEqual([])
      await page.close()
    })
  })
}

async function open(
  context: { newPage(): Promise<Page> },
  origin: string,
  server: string,
  key: string,
) {
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', ({ message }) => errors.push(message))
  await page.goto(`${origin}/?${new URLSearchParams({ server, key })}`)
  return { page, errors }
}
