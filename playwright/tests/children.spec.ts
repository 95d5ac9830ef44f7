// ACCEPTANCE H1, H3, H5: parents and children. What their ends do to each other is in families.spec.ts.
import { expect, test } from '../support/fixtures.js'
import { ended, eventTypes, ready, runOf } from '../support/page.js'
import {
  childrenOf,
  eventsOf,
  passThroughASlot,
  statusesOf,
  stepsOf,
  trigger,
  waiting,
} from '../support/runs.js'

for (const executor of ['worker', 'page'] as const) {
  test(`a parent waits for its children without a slot, and gets their outputs in the order of the calls: jobs in the ${executor}`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage({ executor, concurrency: 1 })
    const work = [3, 1, 2].map((n) => ({ key, n, how: 'waits' as const }))
    const id = await trigger(page, 'parent', { key, work })
    expect(await waiting(page, id)).toEqual({ kind: 'children', stepName: 'parts', count: 3 })
    const children = await childrenOf(page, id)
    expect(children).toMatchObject(
      work.map((input, childIndex) => ({
        jobName: 'child',
        input,
        childIndex,
        parentId: id,
        parentStep: 'parts',
        rootId: id,
      })),
    )
    for (const { n } of work) server.gate(`${key}-${n}`).open()
    expect(await ended(page, id)).toMatchObject({
      status: 'completed',
      output: [6, 2, 4],
      recoveries: 0,
    })
    expect(server.witness.counts(`${key}/`)).toEqual({
      [`${key}/code`]: 1,
      [`${key}/before`]: 1,
      [`${key}/child/1`]: 1,
      [`${key}/child/2`]: 1,
      [`${key}/child/3`]: 1,
      [`${key}/after`]: 1,
    })
    for (const child of children) {
      const [event] = await eventsOf(page, child.id, 'run:complete')
      expect(event).toMatchObject({ parentId: id })
    }
    expect((await stepsOf(page, id)).get('parts')).toMatchObject({
      kind: 'invoke',
      status: 'completed',
      children: children.map(({ id: runId }) => ({ runId, jobName: 'child', status: 'completed' })),
    })
  })
}

for (const count of [250, 1_000]) {
  test(`a parent of ${count} children gets all their outputs in order`, async ({ openPage }) => {
    test.setTimeout(60_000)
    const page = await openPage({ concurrency: 16, durability: 'relaxed' })
    const id = await trigger(page, 'crowd', { count })
    const run = await page.evaluate((id) => window.stepwell.waitForRun(id, { timeout: '50s' }), id)
    expect(run).toMatchObject({ status: 'completed', recoveries: 0 })
    expect(run.output).toEqual(Array.from({ length: count }, (_, n) => n * 2))
    const children = await childrenOf(page, id)
    expect(children.map(({ childIndex }) => childIndex)).toEqual(
      Array.from({ length: count }, (_, i) => i),
    )
  })
}

test('no children are no wait, and more than 1,000 are refused before any is made', async ({
  openPage,
}) => {
  const page = await openPage()
  const none = await trigger(page, 'crowd', { count: 0 })
  expect(await ended(page, none)).toMatchObject({ status: 'completed', output: [] })
  const many = await trigger(page, 'crowd', { count: 1_001 })
  expect(await ended(page, many)).toMatchObject({
    status: 'failed',
    error: { code: 'invalid_input', message: expect.stringMatching(/"parts".*1000/s) },
  })
  expect(await childrenOf(page, many)).toEqual([])
})

test('a bad input fails the step of the parent with the index of the child, and no child is made', async ({
  openPage,
}) => {
  const page = await openPage()
  const id = await trigger(page, 'strict-parent', { sizes: [1, 2, 0] })
  expect(await ended(page, id)).toMatchObject({
    status: 'failed',
    error: {
      code: 'invalid_input',
      stepName: 'parts',
      message: expect.stringMatching(/children\[2\].*size/s),
    },
  })
  expect(await childrenOf(page, id)).toEqual([])
  expect((await stepsOf(page, id)).get('parts')).toMatchObject({ status: 'failed', kind: 'invoke' })
})

test('children of one call that clash over a concurrency key fail it with the index, and none is made', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const id = await trigger(page, 'clashing', { key })
  expect(await ended(page, id)).toMatchObject({
    status: 'failed',
    error: { code: 'conflict', stepName: 'parts', message: expect.stringContaining('children[1]') },
  })
  expect(await childrenOf(page, id)).toEqual([])
})

test('a child has options of its own', async ({ openPage, key, server }) => {
  const page = await openPage()
  const id = await trigger(page, 'choosy', { key, n: 1 }, { priority: 3 })
  // The parent may have ended by the time that it is looked at: its child waits for 300 ms only.
  await expect.poll(async () => (await childrenOf(page, id)).length).toBe(1)
  const [child] = await childrenOf(page, id)
  expect(child).toMatchObject({
    labels: { from: 'choosy' },
    priority: 7,
    concurrencyKey: `${key}-one`,
    idempotencyKey: null,
  })
  expect((child?.startAt ?? 0) - (child?.createdAt ?? 0)).toBe(300)
  expect(await ended(page, id)).toMatchObject({ status: 'completed', output: 2 })
  expect(server.witness.count(`${key}/child/1`)).toBe(1)
})

test('a child inherits the priority of its parent, and may be a parent', async ({
  openPage,
  key,
}) => {
  const page = await openPage({ concurrency: 1 })
  const work = [1, 2].map((n) => ({ key, n }))
  const id = await trigger(page, 'grandparent', { key, work }, { priority: 3 })
  expect(await ended(page, id)).toMatchObject({ status: 'completed', output: [2, 4] })
  const [middle] = await childrenOf(page, id)
  expect(middle).toMatchObject({ jobName: 'parent', parentId: id, rootId: id, priority: 3 })
  const below = await childrenOf(page, middle?.id ?? '')
  expect(below).toHaveLength(2)
  for (const run of below)
    expect(run).toMatchObject({ parentId: middle?.id, rootId: id, priority: 3 })
})

test('a parent waits for its children over a reload: none is made twice, and those that ended do not run again', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ concurrency: 2 })
  const work = [
    { key, n: 0 },
    { key, n: 1, how: 'waits' as const },
    { key, n: 2, how: 'waits' as const },
  ]
  const id = await trigger(page, 'parent', { key, work })
  await waiting(page, id)
  for (const n of [1, 2]) await server.gate(`${key}-${n}`).reached()
  const before = await childrenOf(page, id)
  await page.reload()
  await ready(page)
  for (const n of [1, 2]) await server.gate(`${key}-${n}`).reached(2)
  expect(await waiting(page, id)).toMatchObject({ kind: 'children', count: 3 })
  for (const n of [1, 2]) server.gate(`${key}-${n}`).open()
  expect(await ended(page, id)).toMatchObject({ status: 'completed', output: [0, 2, 4] })
  const after = await childrenOf(page, id)
  expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id))
  expect(server.witness.counts(`${key}/`)).toEqual({
    [`${key}/code`]: 2,
    [`${key}/before`]: 1,
    [`${key}/child/0`]: 1,
    [`${key}/child/1`]: 2,
    [`${key}/child/2`]: 2,
    [`${key}/after`]: 1,
  })
})

test('an engine that crashes while children are at work: the parent completes, with each child once', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ concurrency: 3 })
  const work = [1, 2, 3].map((n) => ({ key, n, how: 'waits' as const }))
  const id = await trigger(page, 'parent', { key, work })
  for (const { n } of work) await server.gate(`${key}-${n}`).reached()
  const { epoch } = await page.evaluate(() => window.stepwell.status)
  await page.evaluate(() => window.crash('panic'))
  await page.waitForFunction((old) => window.stepwell.status.epoch !== old, epoch)
  for (const { n } of work) server.gate(`${key}-${n}`).open()
  expect(await ended(page, id)).toMatchObject({ status: 'completed', output: [2, 4, 6] })
  for (const { n } of work) expect(server.witness.count(`${key}/child/${n}`)).toBe(1)
  expect(await childrenOf(page, id)).toHaveLength(3)
})

test('a file that a child returns is read by its parent, over a reload too', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await trigger(page, 'file-parent', { key, text: 'hello' })
  await server.gate(key).reached()
  await page.reload()
  await ready(page)
  server.gate(key).open()
  expect(await ended(page, id)).toMatchObject({ output: 'File(a.txt,text/plain,5,hello)' })
})

test('getRuns reads the children of a run, or those that have no parent', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const id = await trigger(page, 'parent', { key, work: [1, 2, 3].map((n) => ({ key, n })) })
  const other = await trigger(page, 'parent', { key: `${key}-b`, work: [{ key, n: 4 }] })
  await ended(page, id)
  await ended(page, other)
  const { roots, first, second } = await page.evaluate(async (parent) => {
    const first = await window.stepwell.getRuns({ parent, limit: 2 })
    const second = await window.stepwell.getRuns({
      parent,
      limit: 2,
      cursor: first.nextCursor ?? '',
    })
    return { roots: await window.stepwell.getRuns({ parent: null }), first, second }
  }, id)
  expect(roots.runs.map((run) => run.id)).toEqual([other, id])
  // Newest first, and children are made in the order of the calls.
  expect([...first.runs, ...second.runs].map(({ childIndex }) => childIndex)).toEqual([2, 1, 0])
  expect(second.nextCursor).toBeNull()
  expect(await statusesOf(page, other)).toEqual(['completed'])
})

test("a parent's events come in order", async ({ openPage, key }) => {
  const page = await openPage()
  const id = await trigger(page, 'parent', { key, work: [{ key, n: 1 }] })
  await ended(page, id)
  await passThroughASlot(page)
  expect(await runOf(page, id)).toMatchObject({ stepCount: 3 })
  expect(await eventTypes(page, id)).toEqual([
    'run:trigger',
    'run:start',
    ...['step:start', 'step:complete'],
    ...['step:wait', 'run:wait', 'step:complete', 'run:resume'],
    ...['step:start', 'step:complete'],
    'run:complete',
  ])
})
