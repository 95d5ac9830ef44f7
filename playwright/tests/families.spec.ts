// ACCEPTANCE H1, B3, B4, B5: what the ends of parents and children do to each other.
import type { Page } from '@playwright/test'
import type { TestServer } from '../server/server.mjs'
import { expect, test } from '../support/fixtures.js'
import { ended, runOf } from '../support/page.js'
import {
  cancel,
  childrenOf,
  deleteRun,
  passThroughASlot,
  retry,
  signal,
  statusesOf,
  trigger,
  waiting,
} from '../support/runs.js'

/** A parent of three: one that is done, one that fails once its gate is open, and one that waits at its gate. */
async function triggerFamily(page: Page, server: TestServer, key: string, isSettled: boolean) {
  const work = [
    { key, n: 0 },
    { key, n: 1, how: 'waits' as const },
    { key, n: 2, how: 'waits' as const },
  ]
  const id = await trigger(page, 'parent', { key, work, isSettled })
  for (const n of [1, 2]) await server.gate(`${key}-${n}`).reached()
  await waiting(page, id)
  const [done] = await childrenOf(page, id)
  await ended(page, done?.id ?? '')
  return id
}

test('failFast: the first failure is the failure of the step, says which child, and cancels the others', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ concurrency: 2 })
  const work = [
    { key, n: 0, how: 'waits' as const },
    { key, n: 1, how: 'fails' as const },
    { key, n: 2, how: 'waits' as const },
  ]
  const id = await trigger(page, 'parent', { key, work })
  expect(await ended(page, id)).toMatchObject({
    status: 'failed',
    error: {
      name: 'RangeError',
      stepName: 'parts',
      message: expect.stringMatching(/children\[1\].*no 1/),
      causes: [{ name: 'RangeError', message: 'no 1' }],
    },
  })
  expect(await statusesOf(page, id)).toEqual(['cancelled', 'failed', 'cancelled'])
  for (const n of [0, 2]) server.gate(`${key}-${n}`).open()
  await passThroughASlot(page)
  expect(server.witness.count(`${key}/after`)).toBe(0)
})

test('settled: all of them end, and how each ended is returned in the order of the calls', async ({
  openPage,
  key,
}) => {
  const page = await openPage({ concurrency: 3 })
  const work = [
    { key, n: 0 },
    { key, n: 1, how: 'fails' as const },
    { key, n: 2, how: 'waits' as const },
  ]
  const id = await trigger(page, 'parent', { key, work, isSettled: true })
  await waiting(page, id)
  const children = await childrenOf(page, id)
  const [first = '', second = '', third = ''] = children.map((child) => child.id)
  await cancel(page, third)
  expect(await ended(page, id)).toMatchObject({
    status: 'completed',
    output: [
      { status: 'completed', runId: first, output: 0 },
      { status: 'failed', runId: second, error: { name: 'RangeError', message: 'no 1' } },
      { status: 'cancelled', runId: third },
    ],
  })
})

test('failFast: a child that is cancelled fails the step of its parent', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ concurrency: 2 })
  const id = await triggerFamily(page, server, key, false)
  const children = await childrenOf(page, id)
  await cancel(page, children[1]?.id ?? '')
  expect(await ended(page, id)).toMatchObject({
    status: 'failed',
    error: { code: 'cancelled', message: expect.stringContaining('children[1]') },
  })
  expect(await statusesOf(page, id)).toEqual(['completed', 'cancelled', 'cancelled'])
})

test('cancelling a parent cancels its unfinished descendants on every level, and leaves those that are done', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ concurrency: 2 })
  const work = [0, 1, 2].map((n) => (n === 0 ? { key, n } : { key, n, how: 'waits' as const }))
  const id = await trigger(page, 'grandparent', { key, work })
  for (const n of [1, 2]) await server.gate(`${key}-${n}`).reached()
  const [middle] = await childrenOf(page, id)
  const [done] = await childrenOf(page, middle?.id ?? '')
  await ended(page, done?.id ?? '')
  expect(await cancel(page, id)).toMatchObject({ ok: true, value: { status: 'cancelled' } })
  expect(await statusesOf(page, id)).toEqual(['cancelled'])
  expect(await statusesOf(page, middle?.id ?? '')).toEqual(['completed', 'cancelled', 'cancelled'])
  for (const n of [1, 2]) server.gate(`${key}-${n}`).open()
  await passThroughASlot(page)
  expect(server.witness.count(`${key}/after`)).toBe(0)
})

test('a family of thirty levels is cancelled, retried and completed as one, in two slots', async ({
  openPage,
  key,
}) => {
  const page = await openPage({ concurrency: 2 })
  const signalKey = `${key}-bottom`
  const levels = Array.from({ length: 31 })
  const id = await trigger(page, 'nested', { depth: 30, signal: signalKey })
  /** Each level waits for the one below, and the one at the bottom for the signal. */
  const family = async () => {
    const runs = [await runOf(page, id)]
    while (runs.at(-1) !== undefined && runs.length < levels.length) {
      const parent = runs.at(-1)?.id ?? ''
      await waiting(page, parent)
      runs.push((await childrenOf(page, parent))[0] ?? null)
    }
    return runs.map((run) => run?.id ?? '')
  }
  const ids = await family()
  const statuses = () =>
    page.evaluate(async (ids) => {
      const runs = await Promise.all(ids.map((id) => window.stepwell.getRun(id)))
      return runs.map((run) => run?.status)
    }, ids)
  await waiting(page, ids.at(-1) ?? '', 'signal')
  await cancel(page, id)
  expect(await statuses()).toEqual(levels.map(() => 'cancelled'))
  expect(await retry(page, id)).toMatchObject({ ok: true })
  expect(await family()).toEqual(ids)
  await waiting(page, ids.at(-1) ?? '', 'signal')
  expect(await statuses()).toEqual(levels.map(() => 'waiting'))
  expect(await signal(page, signalKey)).toBe('delivered')
  expect(await ended(page, id)).toMatchObject({ status: 'completed', output: 30 })
  expect(await statuses()).toEqual(levels.map(() => 'completed'))
})

for (const [title, fails] of [
  ['a parent that fails cancels the child that it did not wait for', true],
  ['a parent that completes leaves the child that it did not wait for alone', false],
] as const) {
  test(title, async ({ openPage, key, server }) => {
    const page = await openPage({ concurrency: 2 })
    const id = await trigger(page, 'leaving', { work: { key, n: 1, how: 'waits' }, fails })
    await server.gate(`${key}-1`).reached()
    server.gate(`${key}-beside`).open()
    expect(await ended(page, id)).toMatchObject({ status: fails ? 'failed' : 'completed' })
    expect(await statusesOf(page, id)).toEqual([fails ? 'cancelled' : 'running'])
    const [child] = await childrenOf(page, id)
    if (!fails) {
      // The family is not over while a member of it is active.
      expect(await deleteRun(page, id)).toMatchObject({ ok: false, code: 'conflict' })
    }
    server.gate(`${key}-1`).open()
    const status = fails ? 'cancelled' : 'completed'
    expect(await ended(page, child?.id ?? '')).toMatchObject({ status })
    expect(await deleteRun(page, id)).toMatchObject({ ok: true })
    expect(await runOf(page, child?.id ?? '')).toBeNull()
  })
}

test('a parent that is retried keeps the children that completed, and lets the others go on as the same runs', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ concurrency: 2 })
  const id = await triggerFamily(page, server, key, false)
  const before = await childrenOf(page, id)
  await cancel(page, before[1]?.id ?? '')
  expect(await ended(page, id)).toMatchObject({ status: 'failed' })
  for (const n of [1, 2]) server.gate(`${key}-${n}`).open()
  expect(await retry(page, id)).toMatchObject({ ok: true })
  expect(await ended(page, id)).toMatchObject({
    status: 'completed',
    attempt: 2,
    output: [0, 2, 4],
  })
  const after = await childrenOf(page, id)
  expect(after.map(({ id, attempt }) => [id, attempt])).toEqual(
    before.map(({ id }, i) => [id, i === 0 ? 1 : 2]),
  )
  expect(server.witness.counts(`${key}/`)).toMatchObject({
    [`${key}/before`]: 1,
    [`${key}/child/0`]: 1,
    [`${key}/child/1`]: 2,
    [`${key}/child/2`]: 2,
    [`${key}/after`]: 1,
  })
})

test('a child is neither retried nor deleted by itself: its parent is, and takes all its descendants along', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const work = [{ key, n: 1, how: 'fails' as const }]
  const id = await trigger(page, 'grandparent', { key, work })
  expect(await ended(page, id)).toMatchObject({ status: 'failed' })
  const [middle] = await childrenOf(page, id)
  const [below] = await childrenOf(page, middle?.id ?? '')
  for (const child of [middle, below]) {
    for (const act of [retry, deleteRun]) {
      expect(await act(page, child?.id ?? '')).toMatchObject({
        ok: false,
        code: 'conflict',
        message: expect.stringMatching(/is a child of the run/),
      })
    }
  }
  expect(await deleteRun(page, id)).toMatchObject({ ok: true })
  for (const run of [id, middle?.id ?? '', below?.id ?? ''])
    expect(await runOf(page, run)).toBeNull()
  expect(server.witness.count(`${key}/child/1`)).toBe(1)
})

test('a child can be triggered again as a run of its own', async ({ openPage, key }) => {
  const page = await openPage()
  const work = [{ key, n: 1, how: 'fails' as const }]
  const id = await trigger(page, 'parent', { key, work, isSettled: true })
  await ended(page, id)
  const [child] = await childrenOf(page, id)
  const again = await page.evaluate((id) => window.stepwell.retrigger(id), child?.id ?? '')
  expect(await ended(page, again.id)).toMatchObject({
    status: 'completed',
    parentId: null,
    rootId: again.id,
    output: 2,
  })
  expect(await childrenOf(page, id)).toHaveLength(1)
})

test('a parent that is cancelled while it makes its children leaves none active', async ({
  openPage,
}) => {
  const page = await openPage({ concurrency: 4 })
  // At whatever moment of the parent's short life the cancel comes: either it had no children yet, or they go with it.
  for (let round = 0; round < 8; round++) {
    const id = await trigger(page, 'crowd', { count: 40 })
    for (let i = 0; i < round; i++) await page.evaluate(() => window.stepwell.getRuns({ limit: 1 }))
    await cancel(page, id)
    const run = await ended(page, id)
    const statuses = new Set(await statusesOf(page, id))
    for (const status of ['pending', 'running', 'waiting'] as const)
      expect(statuses).not.toContain(status)
    if (run.status === 'completed') expect(statuses).toEqual(new Set(['completed']))
  }
})
