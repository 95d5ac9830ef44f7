// examples/vanilla as a visitor uses it: by files and clicks.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { crc32 } from 'node:zlib'
import type { Locator, Page } from '@playwright/test'
import { startServer, type TestServer } from '../server/server.mjs'
import { buildExample, button, picture } from '../support/example.js'
import { expect, test } from '../support/fixtures.js'

const SAMPLES = 12

let folder: string
let server: TestServer

test.describe.configure({ mode: 'default', timeout: 60_000 })

test.beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'stepwell-vanilla-'))
  buildExample(folder, 'vanilla')
})
test.afterAll(() => rmSync(folder, { recursive: true, force: true }))

// A server each: a port of its own is an origin and so a database of its own.
test.beforeEach(async () => {
  server = await startServer({ root: folder })
})
test.afterEach(() => server.close())

const tab = (page: Page) => page.getByRole('status', { name: 'This tab' })
const batches = (page: Page) => page.getByRole('region', { name: 'Batches' }).locator('li.card')
const newest = (page: Page) => batches(page).first()
const pictures = (batch: Locator) => batch.getByRole('img')
const hasStatus = (batch: Locator, status: string) =>
  expect(batch.getByText(status, { exact: true })).toBeVisible({ timeout: 40_000 })

async function open(page: Page): Promise<void> {
  await page.goto(server.origin)
  await expect(tab(page)).toContainText('Leader: the jobs run in this tab')
}

async function startSamples(page: Page): Promise<void> {
  await button(page, 'Try it with 12 sample pictures').click()
  await expect(newest(page)).toContainText('12 photos, 1600 px WebP')
}

/** So many pictures are done, or more. */
async function done(batch: Locator, atLeast: number): Promise<void> {
  await expect.poll(() => pictures(batch).count()).toBeGreaterThanOrEqual(atLeast)
}

test('sample pictures become an archive of smaller ones', async ({ sharedContext }) => {
  const page = await sharedContext.newPage()
  await open(page)
  await expect(page.getByText('None yet in this browser.')).toBeVisible()
  await startSamples(page)
  await hasStatus(newest(page), 'completed')
  await expect(pictures(newest(page))).toHaveCount(SAMPLES)
  await expect(newest(page)).toContainText(/[\d.]+ MB became [\d.]+ [kM]B in [\d.]+ s\./)

  const [download] = await Promise.all([
    page.waitForEvent('download'),
    newest(page)
      .getByRole('link', { name: /^Download/ })
      .click(),
  ])
  expect(download.suggestedFilename()).toMatch(/^photos-[0-9a-f]{6}\.zip$/)
  const files = entries(readFileSync(await download.path()))
  const names = Array.from({ length: SAMPLES }, (_, i) => `hills-${i + 1}.webp`)
  expect(files.map(({ name }) => name.slice(4))).toEqual(names)
  for (const { data, crc } of files) expect(crc32(data)).toBe(crc)
  const size = await page.evaluate(
    async (bytes) => {
      const { width, height } = await createImageBitmap(new Blob([new Uint8Array(bytes)]))
      return { width, height }
    },
    [...(files[0]?.data ?? [])],
  )
  expect(size).toEqual({ width: 1600, height: 1067 })
  await page.close()
})

test('a reload in the midst of a batch costs none of its pictures', async ({ sharedContext }) => {
  const page = await sharedContext.newPage()
  await open(page)
  await startSamples(page)
  await done(newest(page), 3)
  await picture(page, 'vanilla-dark', 1280, 'dark')
  await page.reload()
  await hasStatus(newest(page), 'running')
  await done(newest(page), 3)
  await hasStatus(newest(page), 'completed')
  await expect(pictures(newest(page))).toHaveCount(SAMPLES)
  await picture(page, 'vanilla-light', 1280, 'light')
  await picture(page, 'vanilla-phone', 390, 'dark')
  await page.close()
})

test('a batch that is cancelled goes on where it was', async ({ sharedContext }) => {
  const page = await sharedContext.newPage()
  await open(page)
  await startSamples(page)
  await done(newest(page), 2)
  await button(newest(page), 'Cancel').click()
  await hasStatus(newest(page), 'cancelled')
  await expect(pictures(newest(page))).not.toHaveCount(SAMPLES)
  const kept = await pictures(newest(page)).count()
  const first = await pictures(newest(page)).first().getAttribute('src')
  await button(newest(page), 'Go on').click()
  await done(newest(page), kept + 1)
  expect(await pictures(newest(page)).first().getAttribute('src')).toBe(first)
  await hasStatus(newest(page), 'completed')
  await page.close()
})

test('one batch after the other; settings; what is no picture is named; delete', async ({
  sharedContext,
}) => {
  const page = await sharedContext.newPage()
  await open(page)
  await startSamples(page)
  await page.getByLabel('Longest side').selectOption('800 px')
  await page.getByLabel('Format').selectOption('JPEG')
  const text = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') }
  const dot = { name: 'dot.png', mimeType: 'image/png', buffer: Buffer.from(DOT, 'base64') }
  const file = page.getByLabel('Drop photos here, or choose some')
  await file.setInputFiles([dot, text])
  await expect(newest(page)).toContainText('2 photos, 800 px JPEG')
  await hasStatus(newest(page), 'pending')
  await hasStatus(newest(page), 'completed')
  await expect(newest(page)).toContainText('Not a picture: notes.txt.')
  await expect(newest(page).getByRole('img', { name: 'dot.jpeg' })).toBeVisible()

  await file.setInputFiles([text])
  await hasStatus(newest(page), 'failed')
  await expect(newest(page)).toContainText('None of them is a picture that this browser can read.')
  await expect(batches(page)).toHaveCount(3)
  await page.reload()
  await expect(batches(page)).toHaveCount(3)
  await hasStatus(newest(page), 'failed')
  await button(newest(page), 'Delete').click()
  await expect(batches(page)).toHaveCount(2)
  await expect(newest(page)).toContainText('2 photos, 800 px JPEG')
  await page.close()
})

test('two tabs: each begins and follows batches, and the other one goes on when one is closed', async ({
  sharedContext,
}) => {
  const leader = await sharedContext.newPage()
  await open(leader)
  const [follower] = await Promise.all([
    sharedContext.waitForEvent('page'),
    leader.getByRole('link', { name: 'Open this page in a second tab' }).click(),
  ])
  await expect(tab(follower)).toContainText('Follower: the jobs run in another tab')
  await startSamples(follower)
  await done(newest(follower), 2)
  await done(newest(leader), 2)
  await hasStatus(newest(leader), 'running')
  await picture(follower, 'vanilla-follower', 1280, 'light')
  await button(newest(follower), 'Cancel').click()
  await hasStatus(newest(leader), 'cancelled')
  await button(newest(leader), 'Go on').click()
  await hasStatus(newest(follower), 'running')

  await leader.close()
  await expect(tab(follower)).toContainText('Leader: the jobs run in this tab')
  await hasStatus(newest(follower), 'completed')
  await expect(pictures(newest(follower))).toHaveCount(SAMPLES)
  await expect(newest(follower).getByRole('link', { name: /^Download/ })).toBeVisible()
  await follower.close()
})

test('the page says where the data lie, and how full the disk is', async ({ sharedContext }) => {
  const page = await sharedContext.newPage()
  await open(page)
  await expect(tab(page)).toContainText(
    /Kept, unless the disk gets full · [\d.]+ [kMG]?B of [\d.]+ [kMG]?B used/,
  )
  await page.close()
})

/** One red pixel. */
const DOT =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=='

/** By the archive's directory, as programs that unpack read it. */
function entries(zip: Buffer): { name: string; crc: number; data: Buffer }[] {
  const end = zip.length - 22
  expect(zip.readUInt32LE(end)).toBe(0x06054b50)
  const found = []
  let at = zip.readUInt32LE(end + 16)
  for (let i = 0; i < zip.readUInt16LE(end + 10); i++) {
    expect(zip.readUInt32LE(at)).toBe(0x02014b50)
    const nameLength = zip.readUInt16LE(at + 28)
    const local = zip.readUInt32LE(at + 42)
    expect(zip.readUInt32LE(local)).toBe(0x04034b50)
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
    found.push({
      name: zip.toString('utf8', at + 46, at + 46 + nameLength),
      crc: zip.readUInt32LE(at + 16),
      data: zip.subarray(start, start + zip.readUInt32LE(at + 24)),
    })
    at += 46 + nameLength
  }
  return found
}
