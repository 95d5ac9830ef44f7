import { expect, test } from '../support/fixtures.js'
import { ended, expectNothingUnhandled, ready, triggerSteps } from '../support/page.js'

test('the engine opens a database in OPFS and a first run completes', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await triggerSteps(page, { key, count: 3 })
  expect(await ended(page, id)).toMatchObject({
    status: 'completed',
    output: { values: [0, 1, 2] },
  })
  expect(server.witness.counts(`${key}/`)).toEqual({
    [`${key}/s-0`]: 1,
    [`${key}/s-1`]: 1,
    [`${key}/s-2`]: 1,
  })

  const names = await page.evaluate(async () => {
    const root = await navigator.storage.getDirectory()
    const found: string[] = []
    for await (const name of root.keys()) found.push(name)
    return found
  })
  expect(names).toContain(`stepwell-${key}`)
  await expectNothingUnhandled(page)
})

test('the status says leader, ready, and whether the browser may throw the data away', async ({
  openPage,
}) => {
  const page = await openPage()
  await ready(page)
  const status = await page.evaluate(async () => ({
    ...window.stepwell.status,
    isPersisted: await navigator.storage.persisted(),
  }))
  expect(status).toMatchObject({
    state: 'ready',
    role: 'leader',
    storage: status.isPersisted ? 'persistent' : 'best-effort',
    durability: 'strict',
    epoch: 1,
    paused: null,
    unservedJobs: [],
    error: null,
  })
})

test('the page loads no wasm and no engine code', async ({ openPage }) => {
  const page = await openPage()
  await ready(page)
  const wasm = await page.evaluate(() =>
    performance
      .getEntriesByType('resource')
      .map(({ name }) => name)
      .filter((name) => name.endsWith('.wasm')),
  )
  expect(wasm).toEqual([])
})

test('what was stored is there after a reload, in relaxed mode too', async ({ openPage, key }) => {
  const page = await openPage({ durability: 'relaxed' })
  const id = await triggerSteps(page, { key, count: 2 })
  await ended(page, id)
  await page.reload()
  expect(await page.evaluate((id) => window.stepwell.getRun(id), id)).toMatchObject({
    id,
    status: 'completed',
    output: { values: [0, 1] },
  })
  expect(await page.evaluate(() => window.stepwell.status)).toMatchObject({
    durability: 'relaxed',
    epoch: 2,
  })
})

test('databases of different names share nothing', async ({ openPage, key }) => {
  const one = await openPage({ db: `${key}-one` })
  const other = await openPage({ db: `${key}_other.Name-2` })
  const id = await triggerSteps(one, { key, count: 1 })
  await ended(one, id)
  expect(await other.evaluate((id) => window.stepwell.getRun(id), id)).toBeNull()
  await ready(other)
  expect(await other.evaluate(() => window.stepwell.status.role)).toBe('leader')
})

test('jobs run in the page where no worker is given', async ({ openPage, key, server }) => {
  const page = await openPage({ executor: 'page' })
  const id = await triggerSteps(page, { key, count: 3 })
  expect(await ended(page, id)).toMatchObject({ status: 'completed' })
  expect(server.witness.arrivals(`${key}/`)).toHaveLength(3)
  await expectNothingUnhandled(page)
})

test('memory storage works and says that it keeps nothing', async ({ openPage, key }) => {
  const page = await openPage({ storage: 'memory' })
  const id = await triggerSteps(page, { key, count: 2 })
  expect(await ended(page, id)).toMatchObject({ status: 'completed' })
  expect(await page.evaluate(() => window.stepwell.status)).toMatchObject({
    storage: 'memory',
    role: 'none',
  })
  const second = await openPage({ storage: 'memory' })
  expect(await second.evaluate((id) => window.stepwell.getRun(id), id)).toBeNull()
})

test('close: open commands end, later ones are refused, and another tab can lead', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const id = await triggerSteps(page, { key, count: 1, gateAt: 0 })
  const waiting = page.evaluate((id) => window.outcome(window.stepwell.waitForRun(id)), id)
  await page.evaluate(() => window.stepwell.close())
  expect(await waiting).toMatchObject({ ok: false, code: 'closed' })
  const after = await page.evaluate((id) => window.outcome(window.stepwell.getRun(id)), id)
  expect(after).toMatchObject({ ok: false, code: 'closed' })
  expect(await page.evaluate(() => window.stepwell.status.state)).toBe('closed')
  const second = await openPage()
  await ready(second)
  expect(await second.evaluate(() => window.stepwell.status.role)).toBe('leader')
})
