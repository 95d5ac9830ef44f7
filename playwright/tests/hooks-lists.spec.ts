// ACCEPTANCE E6: `useRuns` stays right while runs come, change and go, without reading everything again on each event.
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { ended, expectNothingUnhandled } from '../support/page.js'
import { commitsAFrame, panel, WAYS } from '../support/panels.js'

const state = (page: Page) => page.getByTestId('runs-state')
const items = (page: Page) => page.getByTestId('runs').getByRole('listitem')
const idsShown = (page: Page) =>
  items(page).evaluateAll((all) => all.map((item) => item.getAttribute('data-id')))

async function idsStored(page: Page): Promise<string[]> {
  const { runs } = await page.evaluate(() => window.stepwell.getRuns({ limit: 1000 }))
  return runs.map(({ id }) => id)
}

/** Triggers runs of one quick step, one after the other; their ids. */
function triggerQuick(page: Page, count: number): Promise<string[]> {
  return page.evaluate(async (count) => {
    const ids: string[] = []
    for (let i = 0; i < count; i++) {
      const options = { labels: { n: `${i}` } }
      ids.push((await window.stepwell.trigger('quick', { count: 1 }, options)).id)
    }
    return ids
  }, count)
}

const getRunsAsked = (page: Page) => page.evaluate(() => window.asked['getRuns'] ?? 0)

for (const { title, ...way } of WAYS) {
  test(`${title}: a run comes, goes on, ends and is deleted, and no page is read for it`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage(panel({ ...way, panels: ['runs'] }))
    await expect(state(page)).toHaveText('ready 0 false')
    const asked = await getRunsAsked(page)
    const id = await page.evaluate(
      async (key) => (await window.stepwell.trigger('steps', { key, count: 2, gateAt: 1 })).id,
      key,
    )
    await expect(items(page)).toHaveText(['steps running'])
    await server.gate(key).reached()
    server.gate(key).open()
    await expect(items(page)).toHaveText(['steps completed'])
    await page.evaluate((id) => window.stepwell.deleteRun(id), id)
    await expect(items(page)).toHaveCount(0)
    expect(await getRunsAsked(page)).toBe(asked)
    await expectNothingUnhandled(page)
  })
}

test('a hundred runs cost no further page, and the list ends as the engine has it', async ({
  openPage,
}) => {
  const page = await openPage(panel({ panels: ['runs'], more: { 'list-limit': '20' } }))
  await expect(state(page)).toHaveText('ready 0 false')
  const asked = await getRunsAsked(page)
  const ids = await triggerQuick(page, 100)
  await ended(page, ids.at(-1) ?? '')
  // The list may be a frame behind: twenty that are completed need not be the last ones yet.
  await expect.poll(() => idsShown(page)).toEqual(ids.slice(-20).reverse())
  await expect(items(page).filter({ hasText: 'completed' })).toHaveCount(20)
  expect(await getRunsAsked(page)).toBe(asked)
  await expect(state(page)).toHaveText('ready 20 true')
})

test('pages neither skip nor repeat a run while runs arrive', async ({ openPage }) => {
  const page = await openPage(panel({ panels: ['runs'], more: { 'list-limit': '10' } }))
  await triggerQuick(page, 25)
  await expect(state(page)).toHaveText('ready 10 true')
  for (const shown of [20, 30]) {
    // In the midst of what comes.
    const coming = triggerQuick(page, 5)
    await page.getByRole('button', { name: 'More' }).click()
    await coming
    await expect(state(page)).toContainText(`ready ${shown} `)
    const stored = await idsStored(page)
    await expect.poll(() => idsShown(page)).toEqual(stored.slice(0, shown))
  }
  await page.getByRole('button', { name: 'More' }).click()
  await expect(state(page)).toHaveText('ready 35 false')
  expect(await idsShown(page)).toEqual(await idsStored(page))
})

test('a filter of statuses: runs enter and leave; another filter is another list', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage(panel({ panels: ['runs'], more: { 'list-status': 'running' } }))
  await expect(state(page)).toHaveText('ready 0 false')
  await page.evaluate(async (key) => {
    await window.stepwell.trigger('steps', { key, count: 1, gateAt: 0 }, { labels: { n: '1' } })
    await window.stepwell.trigger('steps', { key, count: 1 }, { labels: { n: '2' } })
  }, key)
  await expect(items(page)).toHaveText(['steps running 1'])
  await server.gate(key).reached()
  await page.getByLabel('Status').fill('pending')
  await expect(items(page)).toHaveText(['steps pending 2'])
  await page.getByLabel('Status').fill('completed')
  await expect(state(page)).toHaveText('ready 0 false')
  server.gate(key).open()
  await expect(items(page)).toHaveText(['steps completed 2', 'steps completed 1'])
  await page.getByLabel('Status').fill('running')
  await expect(state(page)).toHaveText('ready 0 false')
})

test('a filter of labels and jobs', async ({ openPage, key }) => {
  const more = { 'list-labels': JSON.stringify({ tenant: 'a' }), 'list-job': 'steps' }
  const page = await openPage(panel({ panels: ['runs'], more }))
  await expect(state(page)).toHaveText('ready 0 false')
  await page.evaluate(async (key) => {
    const run = (n: string, tenant: string) =>
      window.stepwell.trigger('steps', { key, count: 1 }, { labels: { n, tenant } })
    await run('1', 'b')
    await run('2', 'a')
    await window.stepwell.trigger('quick', { count: 1 }, { labels: { tenant: 'a' } })
    await run('3', 'a')
  }, key)
  await expect(items(page)).toHaveText(['steps completed 3', 'steps completed 2'])
  await page.reload()
  await expect(items(page)).toHaveText(['steps completed 3', 'steps completed 2'])
})

test('an engine that is started again: the list is read again and goes on', async ({
  openPage,
  key,
}) => {
  const page = await openPage(panel({ panels: ['runs'], more: { 'list-limit': '10' } }))
  await triggerQuick(page, 3)
  await expect(items(page).filter({ hasText: 'completed' })).toHaveCount(3)
  const asked = await getRunsAsked(page)
  await page.evaluate(() => window.crash('terminate'))
  await page.waitForFunction((asked) => (window.asked['getRuns'] ?? 0) > asked, asked)
  await expect(state(page)).toHaveText('ready 3 false')
  await page.evaluate((key) => window.stepwell.trigger('steps', { key, count: 1 }), key)
  await expect(items(page).first()).toHaveText('steps completed')
  await expect(items(page)).toHaveCount(4)
  expect(await idsShown(page)).toEqual(await idsStored(page))
})

test('1,000 progress calls of a listed run cause at most two commits of the list a frame', async ({
  openPage,
}) => {
  const page = await openPage(panel({ panels: ['runs'] }))
  await expect(state(page)).toHaveText('ready 0 false')
  await triggerQuick(page, 5)
  await expect(items(page).filter({ hasText: 'completed' })).toHaveCount(5)
  await page.evaluate(() => {
    window.commits = []
    return window.stepwell.trigger('storming', { times: 1000 })
  })
  await expect(items(page).first()).toHaveText('storming completed 1000')
  const commits = await commitsAFrame(page, 'runs', () => true)
  expect(commits).toBeGreaterThan(0)
  expect(commits).toBeLessThanOrEqual(2)
  // Of six runs five did not change: they are the same objects as in the commit before.
  await expect(page.getByTestId('runs-kept')).toHaveText('5')
})
