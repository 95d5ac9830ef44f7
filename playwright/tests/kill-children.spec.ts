// ACCEPTANCE H3: SIGKILL of the whole browser while parents make children and children are at work.
//
// STEPWELL_KILL_ROUNDS=200 STEPWELL_SEED=7 pnpm exec playwright test kill-children
import type { Page } from '@playwright/test'
import { buildCheck, checkDatabase } from '../support/database.js'
import { expect, test } from '../support/fixtures.js'
import { openIn, passes, ranAfterAcknowledgement } from '../support/lives.js'
import { ended } from '../support/page.js'
import { random, seedOfTheDay } from '../support/random.js'
import { startRawBrowser } from '../support/raw-browser.js'
import { childrenOf, trigger } from '../support/runs.js'

const ROUNDS = Math.min(Number(process.env['STEPWELL_KILL_ROUNDS'] ?? 4), 25)
/** More than are done in the lives that end by a kill. */
const CHILDREN = 40 * ROUNDS
const SLOTS = 2
const CROWD = 30

test.beforeAll(buildCheck)

test('killed at any moment, no child is lost or made twice, and every parent completes', async ({
  server,
  key,
  profile,
}) => {
  test.setTimeout(60_000 + ROUNDS * 6_000)
  const dice = random(seedOfTheDay())
  console.log(`kill-children.spec: ${ROUNDS} rounds, STEPWELL_SEED=${dice.seed}`)
  const work = Array.from({ length: CHILDREN }, (_, n) => ({ key, n }))
  const arrived = () => server.witness.arrivals(`${key}/child/`).length
  let parent = ''
  const crowds: string[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const when = `round ${round}, seed ${dice.seed}`
    const browser = await startRawBrowser(profile)
    try {
      const page = await openIn(browser.context, server, key)
      if (round === 0) parent = await trigger(page, 'parent', { key, work })
      await server.witness.reached(`${key}/child/`, arrived() + 1 + dice.integer(25))
      // It dies while this one makes its children, or they are at work, or its parent is told.
      crowds.push(await trigger(page, 'crowd', { count: CROWD }, { priority: 1 }))
      await passes(dice.integer(250))
    } finally {
      await browser.kill()
    }
    const again = [...ranAfterAcknowledgement(server, `${key}/ack/work-`, `${key}/child/`)]
    expect(again, when).toEqual([])
    expect(checkDatabase(profile), when).toBe('ok')
  }
  const browser = await startRawBrowser(profile)
  try {
    const page = await openIn(browser.context, server, key)
    const run = await page.evaluate(
      (id) => window.stepwell.waitForRun(id, { timeout: '50s' }),
      parent,
    )
    expect(run).toMatchObject({ status: 'completed' })
    expect(run.output).toEqual(work.map(({ n }) => n * 2))
    expect(await placesOf(page, parent)).toEqual(work.map(({ n }) => n))
    for (const crowd of crowds) {
      expect(await ended(page, crowd), crowd).toMatchObject({ status: 'completed' })
      expect(await placesOf(page, crowd)).toEqual(Array.from({ length: CROWD }, (_, n) => n))
    }
    const counts = Object.values(server.witness.counts(`${key}/child/`))
    expect(counts).toHaveLength(CHILDREN)
    // Only what was at work when the browser died may have come again.
    expect(arrived() - CHILDREN).toBeLessThanOrEqual(ROUNDS * SLOTS)
    expect(server.witness.count(`${key}/before`)).toBe(1)
    expect(server.witness.count(`${key}/after`)).toBe(1)
  } finally {
    await browser.kill()
  }
})

async function placesOf(page: Page, parent: string): Promise<(number | null)[]> {
  return (await childrenOf(page, parent)).map(({ childIndex }) => childIndex)
}
