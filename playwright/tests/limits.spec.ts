// Limits on values and logs, and what happens where the storage is full.
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { blobFiles } from '../support/opfs.js'
import { ended, ready } from '../support/page.js'

test('an input over the limit is refused, and nothing is written', async ({ openPage }) => {
  const page = await openPage({ query: { payloadBytes: '1000' } })
  const outcome = await page.evaluate(() =>
    window.outcome(window.stepwell.trigger('extra', { key: 'x'.repeat(1000) })),
  )
  expect(outcome).toMatchObject({
    ok: false,
    code: 'payload_too_large',
    message: expect.stringMatching(/^The input of job "extra" takes 1010 bytes, and 1000 is the/),
  })
  expect(await page.evaluate(() => window.stepwell.getRuns())).toMatchObject({ runs: [] })
})

test("a step's output over the limit fails its run and names the step", async ({ openPage }) => {
  const page = await openPage({ query: { payloadBytes: '1000' } })
  const [fits, isOver] = await page.evaluate(async () => {
    const small = await window.stepwell.trigger('wordy', { length: 998 })
    const large = await window.stepwell.trigger('wordy', { length: 999 })
    return [small.id, large.id]
  })
  expect(await ended(page, fits ?? '')).toMatchObject({ status: 'completed' })
  expect(await ended(page, isOver ?? '')).toMatchObject({
    status: 'failed',
    error: {
      code: 'payload_too_large',
      stepName: 'speak',
      message: expect.stringMatching(/output of step "speak" takes 1001 bytes, and 1000 is the/),
    },
  })
})

test('log lines over the limit are dropped, with one line that says so, also after a reload', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ query: { logLines: '15' } })
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('chatty', { key, lines: 10 })).id,
    key,
  )
  await server.gate(key).reached()
  await page.reload()
  await server.gate(key).reached(2)
  server.gate(key).open()
  await ended(page, id)
  const { logs } = await page.evaluate((id) => window.stepwell.getLogs(id), id)
  const lines = (name: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${name} ${i}`)
  expect(logs.map(({ message }) => message)).toEqual([
    ...lines('one', 10),
    ...lines('two', 5),
    expect.stringMatching(/at most 15 log lines.*dropped/),
  ])
  expect(logs.at(-1)).toMatchObject({ level: 'warn', stepName: null })
})

async function setQuota(page: Page, quotaSize?: number): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const origin = new URL(page.url()).origin
  await session.send('Storage.overrideQuotaForOrigin', {
    origin,
    ...(quotaSize === undefined ? {} : { quotaSize }),
  })
  // The override ends with its session.
}

test('a File for which there is no room: storage_full, and nothing is left of it', async ({
  launchBrowser,
  profile,
  address,
  key,
}) => {
  const page = await (await launchBrowser(profile)).newPage()
  await page.goto(address())
  await ready(page)
  await setQuota(page, 8 * 1024 * 1024)
  const outcome = await page.evaluate(() => {
    const file = new File([new Uint8Array(30 * 1024 * 1024)], 'big.bin')
    return window.outcome(window.stepwell.trigger('measured', { file }))
  })
  expect(outcome).toMatchObject({
    ok: false,
    code: 'storage_full',
    message: expect.stringMatching(/no room to store a file/),
  })
  expect(await blobFiles(page, key)).toEqual([])
  await setQuota(page)
  expect(await page.evaluate(() => window.stepwell.getRuns())).toMatchObject({ runs: [] })
  const again = await page.evaluate(async () => {
    const file = new File([new Uint8Array(30 * 1024 * 1024)], 'big.bin')
    return (await window.stepwell.triggerAndWait('measured', { file })).output.size
  })
  expect(again).toBe(30 * 1024 * 1024)
})

test("a step's File for which there is no room waits, and is stored when there is", async ({
  launchBrowser,
  profile,
  address,
  key,
  server,
}) => {
  const page = await (await launchBrowser(profile)).newPage()
  await page.goto(address())
  await ready(page)
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('producing', { key, bytes: 30_000_000 })).id,
    key,
  )
  await server.gate(key).reached()
  await setQuota(page, 8 * 1024 * 1024)
  server.gate(key).open()
  await page.waitForFunction(() => window.stepwell.status.paused?.code === 'storage_full')
  await setQuota(page)
  expect(await ended(page, id)).toMatchObject({ status: 'completed', output: 30_000_000 })
  await page.waitForFunction(() => window.stepwell.status.paused === null)
  expect(server.witness.counts(`${key}/`)).toEqual({ [`${key}/produce`]: 1, [`${key}/after`]: 1 })
})
