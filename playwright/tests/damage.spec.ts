// ACCEPTANCE J3: a damaged database is set aside and told, what can be saved of it is given out, and work goes on.
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { namesBeside, type Replacement, replaceDatabase, untilFree } from '../support/opfs.js'
import { ended, ready, triggerSteps } from '../support/page.js'
import { exported, imported, sqlite3 } from '../support/transfers.js'

const PAGE_BYTES = 4096
const GARBAGE = Buffer.from(Array.from({ length: 2 * PAGE_BYTES }, (_, i) => (i * 7 + 13) % 251))

const runIds = (page: Page) =>
  page.evaluate(async () => (await window.stepwell.getRuns()).runs.map(({ id }) => id))

/** Leaves the page, changes the files, and comes back. */
async function withDamage(page: Page, database: string, damage: Replacement): Promise<void> {
  const address = page.url()
  await page.goto(new URL('/plain', address).href)
  await replaceDatabase(page, database, damage)
  await page.goto(address)
}

/** An export with pages overwritten; the first is 1. */
function damaged(file: Buffer, ...pages: number[]): Buffer {
  const copy = Buffer.from(file)
  for (const page of pages) copy.fill(0xa5, (page - 1) * PAGE_BYTES, page * PAGE_BYTES)
  return copy
}

async function expectSetAside(page: Page): Promise<void> {
  await ready(page)
  await page.waitForFunction(() => window.stepwell.status.loss !== null)
  expect(await page.evaluate(() => window.stepwell.status)).toMatchObject({
    state: 'ready',
    loss: { kind: 'damaged', message: expect.stringMatching(/set aside.*damaged: true/s) },
    error: null,
  })
  const told = () =>
    page.evaluate(() =>
      window.events.flatMap((event) => (event.type === 'engine:error' ? [event.error.code] : [])),
    )
  await expect.poll(told).toContain('storage_corrupt')
  const events = () =>
    page.evaluate(() => window.events.filter(({ type }) => type === 'engine:storage').slice(-1))
  await expect.poll(events).toMatchObject([{ loss: { kind: 'damaged' } }])
  expect(await runIds(page)).toEqual([])
}

test('what is no database any more is set aside, and work goes on in an empty one', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  await ended(page, await triggerSteps(page, { key, count: 1 }))
  await withDamage(page, key, { bytes: GARBAGE })
  await expectSetAside(page)
  const id = await triggerSteps(page, { key: `${key}-again`, count: 1 })
  expect(await ended(page, id)).toMatchObject({ status: 'completed' })
  const saved = await exported(page, { damaged: true })
  expect(sqlite3(saved, 'PRAGMA integrity_check; SELECT count(*) FROM stepwell_runs')).toBe('ok\n0')
  await page.reload()
  await ready(page)
  expect(await page.evaluate(() => window.stepwell.status.loss)).toBeNull()
  expect(await runIds(page)).toEqual([id])
})

test('where the name of a file in the pool is broken, all runs are saved and can be imported', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const ids = []
  for (let i = 0; i < 3; i++) {
    ids.unshift(await triggerSteps(page, { key: `${key}-${i}`, count: 2 }))
    await ended(page, ids[0] ?? '')
  }
  await withDamage(page, key, { breaksHeader: true })
  await expectSetAside(page)
  // From any tab.
  const follower = await openPage()
  await ready(follower)
  expect(await follower.evaluate(() => window.stepwell.status)).toMatchObject({
    role: 'follower',
    loss: { kind: 'damaged' },
  })
  const saved = await exported(follower, { damaged: true })
  expect(await imported(page, saved)).toMatchObject({ ok: true })
  expect(await runIds(page)).toEqual(ids)
  expect(await page.evaluate((id) => window.stepwell.getRun(id), ids[0] ?? '')).toMatchObject({
    status: 'completed',
    output: { values: [0, 1] },
  })
})

test('where the first page is lost, all runs are saved, and their files', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  await page.evaluate(() =>
    window.stepwell.triggerAndWait('measured', { file: new File(['0123456789'], 'digits.txt') }),
  )
  await withDamage(page, key, { bytes: damaged(await exported(page), 1) })
  await expectSetAside(page)
  const saved = await exported(page, { damaged: true, blobs: true })
  expect(sqlite3(saved, 'SELECT status FROM stepwell_runs')).toBe('completed')
  expect(sqlite3(saved, 'SELECT data FROM stepwell_blob_files')).toBe('0123456789')
})

test('damage that is found at work: all of the database is looked at, and set aside', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const id = await triggerSteps(page, { key, count: 2 })
  await ended(page, id)
  const file = await exported(page)
  const steps = sqlite3(file, "SELECT rootpage FROM sqlite_schema WHERE name = 'stepwell_steps'")
  await withDamage(page, key, { bytes: damaged(file, Number(steps)) })
  await ready(page)
  expect(await page.evaluate(() => window.stepwell.status.loss)).toBeNull()
  const follower = await openPage()
  await ready(follower)
  const asked = await page.evaluate((id) => window.outcome(window.stepwell.getSteps(id)), id)
  expect(asked).toMatchObject({ ok: false, code: 'storage_corrupt' })
  await expectSetAside(page)
  await follower.waitForFunction(() => window.stepwell.status.loss?.kind === 'damaged')
  expect(await runIds(follower)).toEqual([])
  const saved = await exported(page, { damaged: true })
  expect(sqlite3(saved, 'SELECT id FROM stepwell_runs')).toBe(id)
})

test('a suspicion that does not hold costs nothing', async ({ openPage, key }) => {
  const page = await openPage()
  const id = await triggerSteps(page, { key, count: 1 })
  await ended(page, id)
  const address = page.url()
  await page.goto(new URL('/plain', address).href)
  await page.evaluate(async (database) => {
    const root = await navigator.storage.getDirectory()
    const folder = await root.getDirectoryHandle(`stepwell-${database}`)
    await folder.getFileHandle('.suspect', { create: true })
  }, key)
  await page.goto(address)
  await ready(page)
  expect(await page.evaluate(() => window.stepwell.status.loss)).toBeNull()
  expect(await runIds(page)).toEqual([id])
  expect(await namesBeside(page, key)).toEqual(['.lock', '.opaque'])
})

test('setting aside that was interrupted is finished by the next start', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const id = await triggerSteps(page, { key, count: 1 })
  await ended(page, id)
  const address = page.url()
  await page.goto(new URL('/plain', address).href)
  await page.evaluate(async (database) => {
    const root = await navigator.storage.getDirectory()
    const folder = await root.getDirectoryHandle(`stepwell-${database}`)
    await folder.getFileHandle('.unfinished-damaged-1800000000000', { create: true })
  }, key)
  await page.goto(address)
  await expectSetAside(page)
  expect(sqlite3(await exported(page, { damaged: true }), 'SELECT id FROM stepwell_runs')).toBe(id)
  expect(await namesBeside(page, key)).toEqual(['.lock', '.opaque', 'damaged-1800000000000'])
})

test('what was set aside is told as damaged, also where the engine died before it could say so', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const id = await triggerSteps(page, { key, count: 1 })
  await ended(page, id)
  const address = page.url()
  await page.goto(new URL('/plain', address).href)
  await untilFree(page, key)
  // As it lies there when the engine worker has died between the two.
  await page.evaluate(async (database) => {
    const root = await navigator.storage.getDirectory()
    const folder = await root.getDirectoryHandle(`stepwell-${database}`)
    await folder.removeEntry('.opaque', { recursive: true })
    await folder.getFileHandle('.untold', { create: true })
  }, key)
  await page.goto(address)
  await expectSetAside(page)
  expect(await namesBeside(page, key)).toEqual(['.lock', '.opaque'])
})

test('the newest two are kept, and the newest is given out', async ({ openPage, key }) => {
  const page = await openPage()
  const ids: string[] = []
  for (let i = 0; i < 3; i++) {
    ids.push(await triggerSteps(page, { key: `${key}-${i}`, count: 1 }))
    await ended(page, ids[i] ?? '')
    await withDamage(page, key, { breaksHeader: true })
    await expectSetAside(page)
  }
  const kept = (await namesBeside(page, key)).filter((name) => name.startsWith('damaged-'))
  expect(kept).toHaveLength(2)
  const saved = await exported(page, { damaged: true })
  expect(sqlite3(saved, 'SELECT id FROM stepwell_runs')).toBe(ids[2])
})

test('where nothing was damaged, there is nothing to be saved', async ({ openPage }) => {
  const page = await openPage()
  await ready(page)
  const asked = await page.evaluate(() =>
    window.outcome(window.stepwell.exportDatabase({ damaged: true })),
  )
  expect(asked).toMatchObject({
    ok: false,
    code: 'not_found',
    message: expect.stringMatching(/set aside/),
  })
  const memory = await openPage({ storage: 'memory' })
  const inMemory = await memory.evaluate(() =>
    window.outcome(window.stepwell.exportDatabase({ damaged: true })),
  )
  expect(inMemory).toMatchObject({ ok: false, code: 'storage_unavailable' })
})
