// ACCEPTANCE J6: the database as a file, out and in.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { ended, expectNothingUnhandled, ready, runOf, triggerSteps } from '../support/page.js'
import { eventsOf, signal, trigger, untilOf, waiting } from '../support/runs.js'
import { exported, imported, sqlite3 } from '../support/transfers.js'

const runIds = (page: Page) =>
  page.evaluate(async () => (await window.stepwell.getRuns()).runs.map(({ id }) => id))

test('an export is a plain SQLite file, which the sqlite3 command opens, with all that was acknowledged', async ({
  openPage,
}) => {
  const page = await openPage()
  const ids = await page.evaluate(async () => {
    await window.stepwell.triggerAndWait('quick', { count: 2 })
    const open = Array.from({ length: 20 }, () => window.stepwell.trigger('quick', { count: 1 }))
    return (await Promise.all(open)).map(({ id }) => id)
  })
  const file = await exported(page)
  expect(sqlite3(file, 'PRAGMA integrity_check')).toBe('ok')
  expect(sqlite3(file, 'SELECT count(*) FROM stepwell_runs')).toBe('21')
  const listed = sqlite3(file, 'SELECT id FROM stepwell_runs ORDER BY id').split('\n')
  expect(listed.slice(1)).toEqual(ids)
  // The engine goes on.
  expect(await ended(page, ids[19] ?? '')).toMatchObject({ status: 'completed' })
})

test('what memory holds can be exported', async ({ openPage }) => {
  const page = await openPage({ storage: 'memory' })
  await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 2 }))
  expect(sqlite3(await exported(page), 'SELECT status FROM stepwell_runs')).toBe('completed')
})

for (const form of ['Uint8Array', 'ArrayBuffer', 'Blob'] as const) {
  test(`an import (${form}) replaces another database, and its unfinished run goes on from its step`, async ({
    openPage,
    key,
    server,
  }) => {
    const first = await openPage()
    const id = await triggerSteps(first, { key, count: 3, gateAt: 1 })
    await server.gate(key).reached()
    const file = await exported(first)
    await first.close()

    const second = await openPage({ db: `${key}-other` })
    await second.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
    const epoch = await second.evaluate(() => window.stepwell.status.epoch ?? 0)
    expect(await imported(second, file, form)).toEqual({ ok: true, value: undefined })
    expect(await runIds(second)).toEqual([id])
    expect(await second.evaluate(() => window.stepwell.status)).toMatchObject({
      state: 'ready',
      error: null,
    })
    expect(await second.evaluate(() => window.stepwell.status.epoch)).toBeGreaterThan(epoch)
    await server.gate(key).reached(2)
    server.gate(key).open()
    expect(await ended(second, id)).toMatchObject({
      status: 'completed',
      output: { values: [0, 1, 2] },
    })
    // The first step was in the export, the second was in flight.
    expect(server.witness.counts(`${key}/`)).toEqual({
      [`${key}/s-0`]: 1,
      [`${key}/s-1`]: 2,
      [`${key}/s-2`]: 1,
    })
    await second.reload()
    expect(await runIds(second)).toEqual([id])
    await expectNothingUnhandled(second)
  })
}

test('an import while a run is at work stops that run, which is not there any more', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const done = await page.evaluate(
    async () => (await window.stepwell.triggerAndWait('quick', { count: 1 })).id,
  )
  const file = await exported(page)
  const gone = await triggerSteps(page, { key, count: 2, gateAt: 0 })
  await server.gate(key).reached()
  const waiting = page.evaluate((id) => window.outcome(window.stepwell.waitForRun(id)), gone)
  expect(await imported(page, file)).toMatchObject({ ok: true })
  expect(await waiting).toMatchObject({ ok: false, code: 'not_found' })
  expect(await runIds(page)).toEqual([done])
  server.gate(key).open()
  // The executor is free: the slot does work again.
  await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 2 }))
  expect(server.witness.count(`${key}/s-1`)).toBe(0)
  expect(await runOf(page, gone)).toBeNull()
  await expectNothingUnhandled(page)
})

test('commands that come before the engine is back are answered by the new database', async ({
  openPage,
}) => {
  const page = await openPage()
  const done = await page.evaluate(
    async () => (await window.stepwell.triggerAndWait('quick', { count: 1 })).id,
  )
  const file = await exported(page)
  await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
  const [runs, after] = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
    await window.stepwell.importDatabase(bytes)
    const made = window.stepwell.triggerAndWait('quick', { count: 3 })
    const runs = (await window.stepwell.getRuns()).runs.map(({ id }) => id)
    return [runs, await made] as const
  }, file.toString('base64'))
  expect(runs).toEqual([done])
  expect(after).toMatchObject({ output: 3 })
})

test('an import does not count as a crash, however often', async ({ openPage }) => {
  const page = await openPage()
  await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
  const file = await exported(page)
  for (let i = 0; i < 3; i++) {
    expect(await imported(page, file)).toMatchObject({ ok: true })
    await ready(page)
  }
  // Nor while the engine is on its way.
  const outcomes = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
    const open = [1, 2, 3].map(() => window.outcome(window.stepwell.importDatabase(bytes)))
    const file = await window.stepwell.exportDatabase()
    return [...(await Promise.all(open)).map(({ ok }) => ok), file.length > 0]
  }, file.toString('base64'))
  expect(outcomes).toEqual([true, true, true, true])
  expect(await runIds(page)).toHaveLength(1)
  const errors = await page.evaluate(
    () => window.events.filter(({ type }) => type === 'engine:error').length,
  )
  expect(errors).toBe(0)
})

const BAD: Readonly<Record<string, (file: Buffer) => Buffer>> = {
  'that is no database': () => Buffer.from('not a database'.repeat(1000)),
  'that was cut short': (file) => file.subarray(0, 5000),
  'that was damaged': (file) => Buffer.concat([file.subarray(0, 4096), Buffer.alloc(20_000, 7)]),
  'of another application': () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'stepwell-foreign-'))
    const name = path.join(folder, 'foreign.sqlite3')
    const dump = 'CREATE TABLE notes (text); INSERT INTO notes VALUES (1);'
    execFileSync('sqlite3', [name, dump])
    const bytes = execFileSync('cat', [name])
    rmSync(folder, { recursive: true })
    return bytes
  },
}

for (const [what, make] of Object.entries(BAD)) {
  test(`a file ${what} is refused, and everything stays as it was`, async ({ openPage }) => {
    const page = await openPage()
    const { id } = await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
    const refused = await imported(page, make(await exported(page)))
    expect(refused).toMatchObject({ ok: false, code: 'storage_corrupt' })
    expect(await runIds(page)).toEqual([id])
    // The same engine goes on.
    expect(await page.evaluate(() => window.stepwell.status)).toMatchObject({
      state: 'ready',
      epoch: 1,
      error: null,
    })
    await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 2 }))
  })
}

test('a file of a newer build is refused', async ({ openPage }) => {
  const page = await openPage()
  await ready(page)
  const file = execFileSync('cat', [path.join(import.meta.dirname, '../fixtures/future.sqlite3')])
  expect(await imported(page, file)).toMatchObject({ ok: false, code: 'schema_too_new' })
  expect(await runIds(page)).toEqual([])
})

test('memory storage cannot be imported into, and says so', async ({ openPage }) => {
  const page = await openPage({ storage: 'memory' })
  const { id } = await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
  const refused = await imported(page, await exported(page))
  expect(refused).toMatchObject({ ok: false, code: 'storage_unavailable' })
  expect(await runIds(page)).toEqual([id])
})

test('an export with blobs carries the files, and an import brings them back as they were', async ({
  openPage,
  key,
  server,
}) => {
  const first = await openPage()
  const id = await first.evaluate(async (key) => {
    const file = new File(['håndskrift'], 'note.txt', { type: 'text/plain', lastModified: 7 })
    const blob = new Blob(['\u0000\u0001'], { type: 'image/png' })
    return (await window.stepwell.trigger('kept', { key, file, blob, list: [] })).id
  }, key)
  await server.gate(key).reached()
  const file = await exported(first, { blobs: true })
  const without = await exported(first)
  expect(sqlite3(file, 'SELECT count(*) FROM stepwell_blob_files')).not.toBe('0')
  expect(file.length).toBeGreaterThan(without.length)
  await first.close()

  const second = await openPage({ db: `${key}-other` })
  await ready(second)
  expect(await imported(second, file)).toEqual({ ok: true, value: undefined })
  server.gate(key).open()
  expect(await ended(second, id)).toMatchObject({ status: 'completed' })
  const input = await second.evaluate(async (id) => {
    const run = await window.stepwell.getRun(id)
    if (run?.jobName !== 'kept') throw new Error('no such run')
    const { file, blob } = run.input
    return [file.name, file.type, file.lastModified, await file.text(), blob.type, blob.size]
  }, id)
  expect(input).toEqual(['note.txt', 'text/plain', 7, 'håndskrift', 'image/png', 2])
  // The step that made files was not run again.
  expect(server.witness.count(`${key}/make`)).toBe(1)
})

test('runs that wait, and signals that nobody came for, go on in the database that they are imported into', async ({
  openPage,
  key,
  server,
}) => {
  const first = await openPage({ concurrency: 2 })
  const asking = await trigger(first, 'approval', { key: `${key}-b` })
  const work = [{ key: `${key}-c`, n: 1, how: 'waits' as const }]
  const parent = await trigger(first, 'parent', { key: `${key}-c`, work })
  for (const id of [asking, parent]) await waiting(first, id)
  await server.gate(`${key}-c-1`).reached()
  expect(await signal(first, `${key}-word`, 'early')).toBe('kept')
  // The last: its time runs until the export.
  const asleep = await trigger(first, 'sleeper', { key, ms: 3_000 })
  const before = await waiting(first, asleep)
  const file = await exported(first)
  await first.close()

  const second = await openPage({ db: `${key}-other`, concurrency: 2 })
  await ready(second)
  expect(await imported(second, file)).toEqual({ ok: true, value: undefined })
  await ready(second)
  expect(await signal(second, `${asking}:approved`, 1)).toBe('delivered')
  server.gate(`${key}-c-1`).open()
  expect(await ended(second, asking)).toMatchObject({ output: { received: true, value: '1' } })
  expect(await ended(second, parent)).toMatchObject({ status: 'completed', output: [2] })
  expect(await ended(second, asleep)).toMatchObject({ status: 'completed', output: 'awake' })
  const [woken] = (await eventsOf(second, asleep, 'step:complete')).filter(
    ({ stepName }) => stepName === 'nap',
  )
  expect(woken?.timestamp).toBeGreaterThanOrEqual(untilOf(before))
  const options = { key: `${key}-word` }
  const later = await trigger(second, 'approval', { key: `${key}-d`, options })
  expect(await ended(second, later)).toMatchObject({ output: { received: true, value: '"early"' } })
})
