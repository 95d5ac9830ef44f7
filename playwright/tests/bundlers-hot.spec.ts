// Hot reload of the jobs in the dev server of Vite, with the plugin.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Page } from '@playwright/test'
import { openBundled } from '../support/bundled.js'
import { expect, test } from '../support/fixtures.js'
import { versionOf } from '../support/packed.js'
import { type PackedApp, packedApp } from '../support/packed-app.js'
import { type Site, startProgram } from '../support/program-server.js'

const VITES = { 'vite-8': versionOf('vite'), 'vite-7': '7.3.8' }

for (const [name, vite] of Object.entries(VITES)) {
  test.describe(`${name}, dev server, an edit of the jobs`, () => {
    let app: PackedApp
    let site: Site

    test.beforeEach(async () => {
      test.setTimeout(180_000)
      const react = versionOf('react')
      // With the sources as they are at first.
      app = packedApp({
        name: `hot-${name}`,
        dependencies: { react, 'react-dom': react, vite },
        sources: ['bundlers/page', 'bundlers/vite-plugin', 'bundlers/hmr'],
      })
      const args = ['dev', '--host', '127.0.0.1', '--port', '0']
      site = await startProgram(app.bin('vite'), args, app.folder)
    })
    test.afterEach(() => site?.close())

    test('replaces their worker in good order, and nothing else', async ({
      sharedContext,
      server,
      key,
    }) => {
      const { page, problems } = await openBundled(sharedContext, site.origin, server.origin, key)
      await page.evaluate(() => Reflect.set(window, 'isSamePage', true))
      await page.getByRole('button', { name: 'Start' }).click()
      await server.gate(key).reached()
      const epoch = await page.getByText('engine ready').textContent()

      edit(app, 'second')
      // The new worker's: the step that was in flight is run again.
      await server.gate(key).reached(2)
      server.gate(key).open()
      await expect(page.getByText('first, then second')).toBeVisible()
      await expect(page.getByText('recoveries 0')).toBeVisible()
      expect(await page.evaluate(() => Reflect.get(window, 'isSamePage'))).toBe(true)
      await expect(page.getByText(epoch ?? '')).toBeVisible()
      expect(page.workers().filter(isEngine)).toHaveLength(1)
      // One engine, and the workers of both editions.
      expect(await page.evaluate(() => window.spawned)).toHaveLength(3)
      await expect.poll(() => page.workers()).toHaveLength(2)

      await page.getByRole('button', { name: 'Start' }).click()
      await expect(page.getByText('second, then second')).toBeVisible()
      expect(problems).toEqual([])
      await page.close()
    })
  })
}

function edit(app: PackedApp, edition: string): void {
  const file = path.join(app.folder, 'jobs.js')
  const source = readFileSync(file, 'utf8')
  writeFileSync(file, source.replace(/EDITION = '\w+'/, `EDITION = '${edition}'`))
}

function isEngine(worker: ReturnType<Page['workers']>[number]): boolean {
  return worker.url().includes('engine-worker')
}
