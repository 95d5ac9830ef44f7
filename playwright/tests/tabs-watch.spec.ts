// ACCEPTANCE E2: a tab that opens late gets a snapshot first; then no change goes unseen and none is applied twice, over
// changes of the leader too.
import type { Page } from '@playwright/test'
import { expect, type OpenPage, test } from '../support/fixtures.js'
import { ended, expectNothingUnhandled } from '../support/page.js'
import { panel, status } from '../support/panels.js'
import { trigger } from '../support/runs.js'
import { crashTab, follows, leads } from '../support/tabs.js'

/** What one subscriber of a run has found wrong, once the run has ended. */
type Watch = Promise<string[]>

declare global {
  interface Window {
    watches: Watch[]
  }
}

/** Subscribes to a run of numbered steps so many times, one after another, and checks what each is told. */
function watch(page: Page, id: string, times: number): Promise<void> {
  return page.evaluate(
    async ({ id, times }) => {
      const { stepwell } = window
      const check = async (): Promise<string[]> => {
        const problems: string[] = []
        let seen = -1
        let last = ''
        let isFirst = true
        for await (const update of stepwell.subscribe(id)) {
          if (isFirst && update.type !== 'snapshot') problems.push(`began with ${update.type}`)
          isFirst = false
          last = update.type === 'snapshot' ? update.run.status : update.type
          if (update.type === 'snapshot') {
            const shown = update.steps.filter((step) => step.status === 'completed').length
            if (shown !== update.run.stepCount) problems.push(`${shown} of ${update.run.stepCount}`)
            if (shown < seen + 1) problems.push(`a snapshot of ${shown} after ${seen}`)
            seen = shown - 1
          } else if (update.type === 'step:complete') {
            if (update.completedIndex !== seen + 1) {
              problems.push(`${update.completedIndex} after ${seen}`)
            }
            seen = update.completedIndex
          }
        }
        const run = await stepwell.getRun(id)
        if (seen + 1 !== run?.stepCount) problems.push(`ended after ${seen} of ${run?.stepCount}`)
        if (last !== 'run:complete' && last !== 'completed') problems.push(`ended with ${last}`)
        return problems
      }
      window.watches ??= []
      for (let i = 0; i < times; i++) {
        window.watches.push(check().catch((error) => [String(error)]))
        await stepwell.getRun(id)
      }
    },
    { id, times },
  )
}

const problemsOf = (page: Page) =>
  page.evaluate(async () => (await Promise.all(window.watches)).flat())

/** Of the events of a run, those that came twice or out of order. */
const repeatedIn = (page: Page, id: string) =>
  page.evaluate((id) => {
    const indices = window.events.flatMap((event) =>
      event.type === 'step:complete' && event.runId === id ? [event.completedIndex] : [],
    )
    return indices.filter((index, i) => i > 0 && index <= (indices[i - 1] ?? -1))
  }, id)

/** What the panel of the hook shows, and what is stored. */
async function expectShown(page: Page, id: string): Promise<void> {
  await expect(status(page, 'run')).toHaveText('completed')
  const steps = await page.evaluate((id) => window.stepwell.getSteps(id), id)
  await expect(page.getByTestId('run-steps')).toHaveText(
    steps.map(({ name, status }) => `${name}:${status}`).join(' '),
  )
}

async function openWatching(openPage: OpenPage, id: string): Promise<Page> {
  const page = await openPage(panel({ panels: ['run', 'runs'], more: { run: id } }))
  await follows(page)
  await watch(page, id, 10)
  return page
}

test('tabs that open in the midst of a run see each of its changes once, over four leaders', async ({
  openPage,
  key,
  server,
}) => {
  test.setTimeout(60_000)
  const first = await openPage()
  await leads(first)
  const id = await trigger(first, 'endless', { key })
  const arrived = () => server.witness.arrivals(`${key}/run/`).length
  const moreSteps = (count: number) => server.witness.reached(`${key}/run/`, arrived() + count)
  await moreSteps(5)

  const second = await openWatching(openPage, id)
  await moreSteps(5)
  await first.evaluate(() => window.crash('terminate'))
  await leads(first)
  const third = await openWatching(openPage, id)
  await moreSteps(5)
  await first.close()
  await leads(second)
  const fourth = await openWatching(openPage, id)
  await moreSteps(5)
  await watch(third, id, 10)
  await second.evaluate(() => window.stepwell.close())
  await leads(third)
  await watch(fourth, id, 10)
  await moreSteps(5)
  server.witness.add(`${key}/stop`)
  expect(await ended(fourth, id)).toMatchObject({ status: 'completed' })

  for (const page of [third, fourth]) {
    expect(await problemsOf(page)).toEqual([])
    expect(await repeatedIn(page, id)).toEqual([])
    await expectShown(page, id)
    await expect(page.getByTestId('runs').locator('li')).toHaveText([/^endless completed/])
    await expectNothingUnhandled(page)
  }
})

test('over a leader that crashes the hooks of a follower show what is stored, and never less than before', async ({
  openPage,
  launchBrowser,
  profile,
  key,
  server,
}) => {
  const context = await launchBrowser(profile)
  const leader = await openPage({ context })
  await leads(leader)
  const id = await trigger(leader, 'steps', { key, count: 4, gateAt: 2 })
  await server.gate(key).reached()
  const more = { run: id }
  const follower = await openPage({ context, ...panel({ panels: ['run'], more }) })
  await expect(status(follower, 'run')).toHaveText('running')
  await expect(follower.getByTestId('run-steps')).toHaveText(
    's-0:completed s-1:completed s-2:running',
  )
  await crashTab(leader)
  await leads(follower)
  await server.gate(key).reached(2)
  server.gate(key).open()
  await expectShown(follower, id)
  const shown = await follower.evaluate(() => window.commits.map((commit) => commit.status))
  // It was not taken for one that does not exist or has not begun, in between.
  expect([...new Set(shown)]).toEqual(['loading', 'running', 'completed'])
})

test('what a follower has not heard is read again: over a gap, and over a leader that dies meanwhile', async ({
  openPage,
  key,
  server,
}) => {
  test.setTimeout(60_000)
  const leader = await openPage()
  await leads(leader)
  const follower = await openPage({ query: { lossy: '1' } })
  await follows(follower)
  const id = await trigger(leader, 'endless', { key })
  const moreSteps = (count: number) =>
    server.witness.reached(`${key}/run/`, server.witness.arrivals(`${key}/run/`).length + count)
  const isDeaf = (epoch: number | null) =>
    follower.evaluate((epoch) => {
      window.deafTo = epoch
      return window.events.length
    }, epoch)
  const lostOf = () => follower.evaluate(() => window.lost['step:complete'] ?? 0)
  const losesMore = async (count: number) => {
    const wanted = (await lostOf()) + count
    await follower.waitForFunction(
      (wanted) => (window.lost['step:complete'] ?? 0) >= wanted,
      wanted,
    )
  }
  const hearsMore = (than: number) =>
    follower.waitForFunction((than) => window.events.length > than, than)
  await moreSteps(2)
  await watch(follower, id, 3)

  await isDeaf(1)
  await losesMore(5)
  await hearsMore(await isDeaf(null))
  await isDeaf(1)
  await losesMore(5)
  await leader.close()
  await leads(follower)
  await moreSteps(2)
  server.witness.add(`${key}/stop`)
  const run = await ended(follower, id)
  expect(await problemsOf(follower)).toEqual([])
  expect(await repeatedIn(follower, id)).toEqual([])
  const heard = await follower.evaluate(
    (id) => window.events.filter((event) => event.type === 'step:complete' && event.runId === id),
    id,
  )
  expect(heard.length).toBeLessThanOrEqual(run.stepCount - (await lostOf()))
})
