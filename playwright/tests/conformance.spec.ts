// The suite that every Store must pass, and what the engine must do on it (crates/stepwell-engine/src/conformance.rs), on
// the wasm build in this browser.
// Native SQLite and the reference store run the same list under `cargo test`.
import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Page } from '@playwright/test'
import { startServer, type TestServer } from '../server/server.mjs'
import { expect, test } from '../support/fixtures.js'

const FOLDER = path.resolve(import.meta.dirname, '../conformance')

/** What the worker says: the list, or a scenario that passed; why it ends with the last. */
interface Said {
  readonly names?: readonly string[]
  readonly passed?: string
  readonly failure?: string
  readonly isDone?: boolean
}

let server: TestServer

test.beforeAll(async () => {
  if (!existsSync(path.join(FOLDER, 'wasm'))) {
    throw new Error(
      'playwright/conformance/wasm is missing: run `cargo xtask wasm --conformance` first.',
    )
  }
  server = await startServer({ root: FOLDER })
})
test.afterAll(() => server?.close())

for (const medium of ['OPFS', 'memory']) {
  test(`the wasm build passes every scenario of the Store port and of the engine in ${medium}`, async ({
    sharedContext,
  }) => {
    test.setTimeout(300_000)
    const page = await sharedContext.newPage()
    await page.goto(`${server.origin}/plain`)
    const names = (await inWorker(page, {})).flatMap((said) => said.names ?? [])
    expect(names.length, 'scenarios in the list').toBeGreaterThan(0)

    const failures: string[] = []
    let passed = 0
    for (;;) {
      const left = names.slice(passed + failures.length)
      if (left.length === 0) break
      // A failed scenario loses its worker. The next one gets a folder that nobody holds.
      const directory = medium === 'OPFS' ? `conformance-${failures.length}` : undefined
      const said = await inWorker(page, { directory, names: left })
      const ran = said.filter((one) => one.passed !== undefined).length
      passed += ran
      if (ran === left.length) break
      failures.push(`${left[ran]}: ${said.at(-1)?.failure}`)
    }
    console.log(`  ${medium}: ${passed} of ${names.length} scenarios passed`)
    expect(failures).toEqual([])
    expect(passed).toBe(names.length)
    await page.close()
  })
}

/** All that a new worker says. */
function inWorker(
  page: Page,
  request: { directory?: string | undefined; names?: readonly string[] },
): Promise<Said[]> {
  return page.evaluate((request) => {
    const worker = new Worker('/worker.js', { type: 'module' })
    const all: Said[] = []
    return new Promise<Said[]>((resolve) => {
      const end = (said: Said) => {
        worker.terminate()
        resolve([...all, said])
      }
      worker.onerror = ({ message }) => end({ failure: message || 'the worker does not load' })
      worker.onmessage = ({ data }: MessageEvent<Said>) => {
        if (data.isDone) end(data)
        else all.push(data)
      }
      worker.postMessage(request)
    })
  }, request)
}
