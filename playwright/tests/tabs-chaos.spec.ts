// ACCEPTANCE J1, J2: tabs under load that come, go, crash, freeze and are killed, judged by a witness outside of them.
//
// STEPWELL_FAILOVERS=200 STEPWELL_SEED=7 pnpm exec playwright test tabs-chaos
import type { Page } from '@playwright/test'
import type { TestServer } from '../server/server.mjs'
import { type Crowd, failOver, gather, leaderAfter, wake } from '../support/chaos.js'
import { expect, test } from '../support/fixtures.js'
import { random, seedOfTheDay } from '../support/random.js'
import { exported, sqlite3 } from '../support/transfers.js'

const FAILOVERS = Number(process.env['STEPWELL_FAILOVERS'] ?? 16)

/** How many tabs, and their share of the fail-overs: the more tabs there are, the longer each takes. */
const CROWDS = [
  { count: 2, share: 0.4 },
  { count: 3, share: 0.4 },
  { count: 8, share: 0.2 },
]

for (const { count, share } of CROWDS) {
  const times = Math.ceil(FAILOVERS * share)
  test(`${count} tabs: nothing acknowledged is lost, no committed step runs again, one leads at a time`, async ({
    server,
    key,
    profile,
  }) => {
    test.setTimeout(60_000 + times * 15_000 + count * 5_000)
    const seed = seedOfTheDay()
    console.log(`tabs-chaos.spec: ${count} tabs, ${times} fail-overs, STEPWELL_SEED=${seed}`)
    const acknowledged = () => server.witness.arrivals(`${key}/acked/`).length
    const crowd = await gather(count, { dice: random(seed + count), server, key, profile })
    try {
      let leader = await leaderAfter(crowd, 0)
      for (let i = 0; i < times; i++) {
        leader = await failOver(crowd, leader)
        // Under each leader something is done.
        await server.witness.reached(`${key}/acked/`, acknowledged() + 1)
      }
      await judge(crowd)
    } catch (error) {
      const refused = new Set(namesUnder(server, `${key}/refused/`))
      console.log([...crowd.story, ...[...refused].map((why) => `refused: ${why}`)].join('\n'))
      throw error
    } finally {
      await crowd.browser.kill()
    }
  })
}

async function judge({ tabs, server, key, story }: Crowd): Promise<void> {
  for (const tab of tabs) await wake(tab)
  const pages = tabs.map(({ page }) => page)
  await Promise.all(pages.map((page) => page.evaluate(() => window.load.stop())))
  const told = story.join('\n')
  expect(namesUnder(server, `${key}/refused/`), told).toEqual([])

  const [page] = pages
  if (page === undefined) throw new Error('there are tabs')
  // Runs of tabs that were closed, too, which nobody waits for.
  const unfinished = async () =>
    (await allRuns(page)).filter(([, end]) => !end.startsWith('completed'))
  await expect.poll(unfinished, { timeout: 30_000 }).toEqual([])
  const stored = new Set((await allRuns(page)).map(([id]) => id))
  const acknowledged = namesUnder(server, `${key}/acked/`)
  expect(
    acknowledged.filter((id) => !stored.has(id)),
    told,
  ).toEqual([])
  // Two acknowledgements of one run would be two triggers that became one.
  expect(new Set(acknowledged).size).toBe(acknowledged.length)
  expect([...ranAgain(server, key)], told).toEqual([])

  const epochs = namesUnder(server, `${key}/led/`).map(Number)
  expect(epochs, told).toEqual([...new Set(epochs)].toSorted((a, b) => a - b))
  await agree(pages)
  expect(sqlite3(await exported(page), 'PRAGMA integrity_check')).toBe('ok')
}

/** All tabs have one view: what they read, and what their hooks have made of all that they were told. */
async function agree(pages: readonly Page[]): Promise<void> {
  const [wanted = [], ...others] = await Promise.all(pages.map(allRuns))
  for (const other of others) expect(other).toEqual(wanted)
  for (const page of pages) {
    const items = page.getByTestId('runs').locator('li')
    const shown = () =>
      items.evaluateAll((all) => all.map((item) => [item.dataset['id'], item.textContent]))
    await expect(items.first()).toBeVisible()
    // Hooks commit once a frame, and show more while they catch up.
    await expect(async () => {
      const all = await shown()
      const newest = wanted.slice(0, all.length)
      expect(all).toEqual(newest.map(([id]) => [id, 'counted completed  ']))
    }).toPass({ timeout: 10_000 })
  }
}

/** Every run with what it has come to, newest first. */
function allRuns(page: Page): Promise<(readonly [string, string])[]> {
  return page.evaluate(async () => {
    const all: (readonly [string, string])[] = []
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof window.stepwell.getRuns>> =
        await window.stepwell.getRuns({ limit: 500, ...(cursor === null ? {} : { cursor }) })
      for (const { id, status, version } of page.runs) all.push([id, `${status} ${version}`])
      cursor = page.nextCursor
    } while (cursor !== null)
    return all
  })
}

/** In the order in which they came, without what stands before them. */
function namesUnder(server: TestServer, prefix: string): string[] {
  return server.witness.arrivals(prefix).map(({ key }) => key.slice(prefix.length))
}

/** Steps whose bodies came to the witness after a page was told of their commit. */
function* ranAgain(server: TestServer, key: string): Generator<string> {
  const [told, ran] = [`${key}/told/`, `${key}/ran/`]
  const committedAt = new Map<string, number>()
  for (const { key: name, at } of server.witness.arrivals(told)) {
    const step = name.slice(told.length)
    if (!committedAt.has(step)) committedAt.set(step, at)
  }
  for (const { key: name, at } of server.witness.arrivals(ran)) {
    const committed = committedAt.get(name.slice(ran.length)) ?? Number.POSITIVE_INFINITY
    if (at > committed) yield `${name} ran after its commit was told`
  }
}
