// The options `engineWorker` and `wasmUrl`, right and wrong.
import { readdirSync } from 'node:fs'
import path from 'node:path'
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { ready } from '../support/page.js'

const ASSETS = path.resolve(import.meta.dirname, '../dist/assets')
const page = 'own-engine.html'

/** Where the built pages have the wasm. */
function wasmPath(): string {
  const file = readdirSync(ASSETS).find((name) => name.endsWith('.wasm'))
  if (file === undefined) throw new Error(`there is no wasm in ${ASSETS}`)
  return `assets/${file}`
}

async function expectARun(opened: Page): Promise<void> {
  const output = await opened.evaluate(async () => {
    const { id } = await window.stepwell.trigger('quick', { count: 3 })
    return (await window.stepwell.waitForRun(id)).output
  })
  expect(output).toBe(3)
}

test("an app's own engine worker, which imports the one of the package", async ({ openPage }) => {
  const opened = await openPage({ page, query: { engineWorker: 'own' } })
  await expectARun(opened)
  const names = await Promise.all(
    opened.workers().map((worker) => worker.evaluate(() => Reflect.get(globalThis, 'name'))),
  )
  expect(names).toContain('own')
  expect(names).not.toContain('stepwell-engine')
})

for (const from of ['a path of this page', 'another origin']) {
  test(`the wasm from ${from}`, async ({ sharedContext, server, address }) => {
    const place = from === 'another origin' ? `${server.otherOrigin}/` : './'
    const wasmUrl = `${place}${wasmPath()}?elsewhere`
    const opened = await sharedContext.newPage()
    const fetched: string[] = []
    opened.on('request', (request) => fetched.push(request.url()))
    await opened.goto(address({ page, query: { wasmUrl } }))
    await expectARun(opened)
    const wanted = new URL(wasmUrl, `${server.origin}/`).href
    // Playwright hears of a worker's requests on another way than of the run's end.
    await expect
      .poll(() => fetched.filter((url) => new URL(url).pathname.endsWith('.wasm')))
      .toEqual([wanted])
    await opened.close()
  })
}

const WRONG = {
  'a wasmUrl that is not there': [
    { wasmUrl: '/not-here.wasm' },
    /^internal: .*http:\/\/127\.0\.0\.1:\d+\/not-here\.wasm .*404.*option wasmUrl is served/,
  ],
  'a wasmUrl of something else': [
    { wasmUrl: '/plain' },
    /^internal: .*\/plain .*option wasmUrl is served.*application\/wasm/,
  ],
  'an engineWorker that makes nothing': [
    { engineWorker: 'nothing' },
    /^invalid_input: The option engineWorker of createStepwell must return a Worker: .*core\/engine-worker/,
  ],
  'an engineWorker that throws': [
    { engineWorker: 'throwing' },
    /^invalid_input: The option engineWorker of createStepwell threw: RangeError: no more workers/,
  ],
  'an engineWorker whose file is not there': [
    { engineWorker: 'missing' },
    /^faulted: .*The engine worker could not be loaded\. .*option engineWorker/,
  ],
} as const

for (const [what, [query, message]] of Object.entries(WRONG)) {
  test(`${what} is told, and commands reject with it`, async ({ openPage }) => {
    const opened = await openPage({ page, query })
    const asked = await opened.evaluate(() =>
      window.outcome(window.stepwell.trigger('quick', { count: 1 })),
    )
    // A command may reject before the status has changed.
    await ready(opened, 'unavailable')
    const error = await opened.evaluate(() => {
      const { error } = window.stepwell.status
      return `${error?.code}: ${error?.message}`
    })
    expect(error).toMatch(message)
    if (asked.ok) throw new Error('a run was triggered')
    expect(`${asked.code}: ${asked.message}`).toBe(error)
  })
}
