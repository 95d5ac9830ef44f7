// ACCEPTANCE B4 (retrigger), B5, B6 (deleted): what goes, and what goes on anew.
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { ended, eventTypes, ready, runOf, sawEvent, triggerSteps } from '../support/page.js'

const UNKNOWN = '01900000-0000-7000-8000-000000000000'

/** Runs that have ended a millisecond ago at least, the oldest first. */
async function endedRuns(page: Page, count: number): Promise<string[]> {
  const { ids, lastAt } = await page.evaluate(async (count) => {
    const items = Array.from({ length: count }, () => ({ input: { count: 1 } }))
    const triggered = await window.stepwell.batchTrigger('quick', items)
    const runs = await Promise.all(triggered.map(({ id }) => window.stepwell.waitForRun(id)))
    const lastAt = Math.max(...runs.map(({ completedAt }) => completedAt ?? 0))
    return { ids: triggered.map(({ id }) => id), lastAt }
  }, count)
  await page.waitForFunction((lastAt) => Date.now() > lastAt + 1, lastAt)
  return ids
}

test('deleteRun takes a run with its steps, logs and labels', async ({ openPage, key }) => {
  const page = await openPage()
  const id = await page.evaluate(async (key) => {
    const options = { labels: { tenant: 'a' }, idempotencyKey: 'i' }
    const { id } = await window.stepwell.trigger('logging', { key, lines: 3 }, options)
    await window.stepwell.waitForRun(id)
    await window.stepwell.deleteRun(id)
    return id
  }, key)
  expect(await runOf(page, id)).toBeNull()
  const gone = await page.evaluate(
    async (id) => [
      await window.outcome(window.stepwell.getSteps(id)),
      await window.outcome(window.stepwell.getLogs(id)),
      await window.outcome(window.stepwell.waitForRun(id)),
      await window.outcome(window.stepwell.retry(id)),
      await window.outcome(window.stepwell.retrigger(id)),
      await window.outcome(window.stepwell.deleteRun(id)),
    ],
    id,
  )
  expect(gone.map((outcome) => !outcome.ok && outcome.code)).toEqual(gone.map(() => 'not_found'))
  const { runs } = await page.evaluate(() => window.stepwell.getRuns({ labels: { tenant: 'a' } }))
  expect(runs).toEqual([])
  await sawEvent(page, id, 'run:delete')
  expect((await eventTypes(page, id)).at(-1)).toBe('run:delete')
  // Its key is free again.
  const again = await page.evaluate(
    (key) => window.stepwell.trigger('logging', { key, lines: 0 }, { idempotencyKey: 'i' }),
    key,
  )
  expect(again).toMatchObject({ disposition: 'created' })
})

test('deleteRun of an active run is a conflict, of an unknown one not_found', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await triggerSteps(page, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  const remove = (id: string) =>
    page.evaluate((id) => window.outcome(window.stepwell.deleteRun(id)), id)
  expect(await remove(id)).toMatchObject({ ok: false, code: 'conflict' })
  expect(await remove(UNKNOWN)).toMatchObject({ ok: false, code: 'not_found' })
  expect(await runOf(page, id)).toMatchObject({ status: 'running' })
  server.gate(key).open()
  await ended(page, id)
  expect(await remove(id)).toMatchObject({ ok: true })
})

test('a deletion that is open when the engine ends is carried out, and says so', async ({
  openPage,
}) => {
  const page = await openPage()
  const ids = await endedRuns(page, 20)
  const outcomes = await page.evaluate(async (ids) => {
    const open = ids.map((id) => window.outcome(window.stepwell.deleteRun(id)))
    await new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(resolve)))
    void window.crash('terminate')
    return Promise.all(open)
  }, ids)
  expect(outcomes).toEqual(ids.map(() => ({ ok: true, value: undefined })))
  expect((await page.evaluate(() => window.stepwell.getRuns())).runs).toEqual([])
})

test('a run that is deleted while it is waited for is not_found', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await triggerSteps(page, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  const outcome = await page.evaluate(async (id) => {
    const waiting = window.outcome(window.stepwell.waitForRun(id))
    // Both are in the engine before the wait has asked how the run ended.
    const cancelled = window.stepwell.cancel(id)
    const deleted = window.stepwell.deleteRun(id)
    await Promise.all([cancelled, deleted])
    return waiting
  }, id)
  expect(outcome).toMatchObject({ ok: false, code: 'not_found' })
  server.gate(key).open()
})

test('purgeRuns deletes the oldest first, up to its limit, and leaves active runs', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const ids = await endedRuns(page, 7)
  const active = await triggerSteps(page, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  const left = async () =>
    (await page.evaluate(() => window.stepwell.getRuns())).runs.map(({ id }) => id)
  const purge = (olderThan: number | '1h', limit?: number) =>
    page.evaluate(
      ([olderThan, limit]) =>
        window.stepwell.purgeRuns({ olderThan, ...(limit === undefined ? {} : { limit }) }),
      [olderThan, limit] as const,
    )
  expect(await purge('1h')).toBe(0)
  expect(await purge(1, 3)).toBe(3)
  expect(await left()).toEqual([active, ...ids.slice(3).reverse()])
  expect(await purge(1)).toBe(4)
  expect(await left()).toEqual([active])
  await sawEvent(page, ids[6] ?? '', 'run:delete')
  const deleted = await page.evaluate(() =>
    window.events.flatMap((event) => (event.type === 'run:delete' ? [event.runId] : [])),
  )
  expect(deleted).toEqual(ids)
  server.gate(key).open()
})

test('purgeRuns of hundreds goes in several commands, and counts all', async ({ openPage }) => {
  const page = await openPage({ concurrency: 16 })
  await endedRuns(page, 250)
  const { batches, count } = await page.evaluate(async () => {
    const before = await window.counters()
    const count = await window.stepwell.purgeRuns({ olderThan: 1 })
    return { count, batches: (await window.counters()).batches - before.batches }
  })
  expect(count).toBe(250)
  expect(batches).toBeGreaterThanOrEqual(3)
  expect((await page.evaluate(() => window.stepwell.getRuns())).runs).toEqual([])
})

/** How large the database's file is, in bytes; `NaN`, which is neither more nor less, while it is being written or is not there. */
const fileSize = (page: Page, database: string) =>
  page.evaluate(async (database) => {
    const sizes: number[] = []
    const visit = async (directory: FileSystemDirectoryHandle) => {
      for await (const entry of directory.values()) {
        if (entry instanceof FileSystemDirectoryHandle) await visit(entry)
        else if (entry instanceof FileSystemFileHandle) {
          const file = await entry.getFile()
          const head = new Uint8Array(await file.slice(0, 512).arrayBuffer())
          const name = new TextDecoder().decode(head.subarray(0, head.indexOf(0)))
          if (name !== '' && !name.endsWith('-wal')) sizes.push(file.size)
        }
      }
    }
    const root = await navigator.storage.getDirectory()
    try {
      await visit(await root.getDirectoryHandle(`stepwell-${database}`))
    } catch (error) {
      // A file that changed since `getFile` cannot be read.
      if (error instanceof DOMException && error.name === 'NotReadableError') return Number.NaN
      throw error
    }
    return sizes.length === 0 ? Number.NaN : Math.max(...sizes)
  }, database)

test('retention deletes what grew old while no tab was open, without any work, and the file shrinks', async ({
  openPage,
  key,
  server,
}) => {
  const first = await openPage({ query: { retention: 'false' } })
  await first.evaluate(async () => {
    const text = 'x'.repeat(50_000)
    const items = Array.from({ length: 60 }, () => ({ input: { name: 'ab', tags: [text] } }))
    const triggered = await window.stepwell.batchTrigger('parsed', items)
    await Promise.all(triggered.map(({ id }) => window.stepwell.waitForRun(id)))
  })
  const active = await triggerSteps(first, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  await expect.poll(() => fileSize(first, key)).toBeGreaterThan(2_000_000)
  await first.close()

  const second = await openPage({ query: { retention: '100' } })
  await ready(second)
  // Nobody asks the engine for anything: events tell.
  await second.waitForFunction(
    () => window.events.filter(({ type }) => type === 'run:delete').length === 60,
  )
  await expect.poll(() => fileSize(second, key)).toBeLessThan(500_000)
  const { runs } = await second.evaluate(() => window.stepwell.getRuns())
  expect(runs.map(({ id }) => id)).toEqual([active])
  server.gate(key).open()
})

test('retention deletes runs that grow old while the tab is open', async ({ openPage }) => {
  const page = await openPage({ query: { retention: '3000' } })
  const ids = await endedRuns(page, 3)
  for (const id of ids) {
    await sawEvent(page, id, 'run:delete')
    expect(await runOf(page, id)).toBeNull()
  }
  const ages = await page.evaluate(() => {
    const endedAt = new Map<string, number>()
    return window.events.flatMap((event) => {
      if (event.type === 'run:complete') endedAt.set(event.runId, event.timestamp)
      if (event.type !== 'run:delete') return []
      return [event.timestamp - (endedAt.get(event.runId) ?? Number.NaN)]
    })
  })
  for (const age of ages) expect(age).toBeGreaterThanOrEqual(3000)
})

test.describe('retrigger', () => {
  test('makes a new run of the same input, labels, concurrency key and priority', async ({
    openPage,
    key,
  }) => {
    const page = await openPage()
    const [first, again] = await page.evaluate(async (key) => {
      const first = await window.stepwell.trigger(
        'labelled',
        { key },
        { labels: { tenant: 'acme' }, concurrencyKey: 'c', idempotencyKey: 'i', priority: 3 },
      )
      await window.stepwell.waitForRun(first.id)
      return [first, await window.stepwell.retrigger(first.id)]
    }, key)
    expect(again).toMatchObject({
      disposition: 'created',
      run: {
        jobName: 'labelled',
        input: { key },
        labels: { tenant: 'acme', plan: 'free' },
        concurrencyKey: 'c',
        idempotencyKey: null,
        priority: 3,
        attempt: 1,
      },
    })
    expect(again?.id).not.toBe(first?.id)
    await ended(page, again?.id ?? '')
    expect(await runOf(page, first?.id ?? '')).toMatchObject({ status: 'completed' })
  })

  test('gives the new run files of its own', async ({ openPage }) => {
    const page = await openPage()
    const found = await page.evaluate(async () => {
      const file = new File(['0123456789'], 'note.txt', { type: 'text/plain', lastModified: 7 })
      const first = await window.stepwell.triggerAndWait('measured', { file })
      const again = await window.stepwell.retrigger(first.id)
      await window.stepwell.deleteRun(first.id)
      const run = await window.stepwell.waitForRun(again.id)
      if (run.jobName !== 'measured' || run.status !== 'completed') throw new Error(run.status)
      const { name, type, lastModified } = run.input.file
      return [name, type, lastModified, await run.input.file.text(), run.output.size]
    })
    expect(found).toEqual(['note.txt', 'text/plain', 7, '0123456789', 10])
  })

  test('of an active run is a conflict, of an unknown one not_found', async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage()
    const id = await triggerSteps(page, { key, count: 1, gateAt: 0 })
    await server.gate(key).reached()
    const retrigger = (id: string) =>
      page.evaluate((id) => window.outcome(window.stepwell.retrigger(id)), id)
    expect(await retrigger(id)).toMatchObject({ ok: false, code: 'conflict' })
    expect(await retrigger(UNKNOWN)).toMatchObject({ ok: false, code: 'not_found' })
    server.gate(key).open()
  })

  test("validates the stored input with today's schema", async ({ openPage }) => {
    const page = await openPage()
    const ids = await page.evaluate(async () => {
      const names = ['ab', 'abc']
      const triggered = await Promise.all(
        names.map((name) => window.stepwell.trigger('parsed', { name, tags: ['old'] })),
      )
      await Promise.all(triggered.map(({ id }) => window.stepwell.waitForRun(id)))
      return triggered.map(({ id }) => id)
    })
    await page.close()
    const later = await openPage({ page: 'fewer.html' })
    const [fits, no] = await later.evaluate(
      (ids) => Promise.all(ids.map((id) => window.outcome(window.stepwell.retrigger(id)))),
      ids,
    )
    // What today's schema does not know is not in the new run.
    expect(fits).toMatchObject({ ok: true, value: { run: { input: { name: 'ab', size: 3 } } } })
    expect(fits?.ok && Object.keys(Object(fits.value.run.input))).toEqual(['name', 'size'])
    expect(no).toMatchObject({
      ok: false,
      code: 'invalid_input',
      message: expect.stringMatching(/stored input.*name/),
      issues: [['name']],
    })
    expect((await later.evaluate(() => window.stepwell.getRuns())).runs).toHaveLength(3)
  })
})
