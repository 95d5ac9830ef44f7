// ACCEPTANCE J1: SIGKILL of the whole browser at random moments, judged by a witness outside of it.
//
// STEPWELL_KILL_ROUNDS=200 STEPWELL_SEED=7 pnpm exec playwright test kill
import type { Page } from '@playwright/test'
import type { TestServer } from '../server/server.mjs'
import { buildCheck, checkDatabase } from '../support/database.js'
import { expect, test } from '../support/fixtures.js'
import { openIn, passes, ranAfterAcknowledgement } from '../support/lives.js'
import { ended, runOf } from '../support/page.js'
import { type Random, random, seedOfTheDay } from '../support/random.js'
import { startRawBrowser } from '../support/raw-browser.js'

const ROUNDS = Number(process.env['STEPWELL_KILL_ROUNDS'] ?? 10)

interface Life {
  readonly server: TestServer
  readonly key: string
  readonly dice: Random
  /** Runs that a page was told to be committed. */
  readonly acknowledged: string[]
}

test.beforeAll(buildCheck)

test('nothing acknowledged is lost and no committed step runs again, killed at any moment', async ({
  server,
  key,
  profile,
}) => {
  test.setTimeout(60_000 + ROUNDS * 6_000)
  const dice = random(seedOfTheDay())
  console.log(`kill.spec: ${ROUNDS} rounds, STEPWELL_SEED=${dice.seed}`)
  const life: Life = { server, key, dice, acknowledged: [] }
  const kills: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    await liveAndDie(life, round, profile)
    kills.push(server.witness.arrivals(`${key}/run/`).length)
    assertNoStepRanAgain(life, kills, `round ${round}, seed ${dice.seed}`)
    expect(checkDatabase(profile), `round ${round}, seed ${dice.seed}`).toBe('ok')
  }
  expect(server.witness.arrivals(`${key}/run/`).length).toBeGreaterThan(ROUNDS)

  server.witness.add(`${key}/stop`)
  const browser = await startRawBrowser(profile)
  try {
    const page = await openIn(browser.context, server, key)
    const [first] = life.acknowledged
    const run = await ended(page, first ?? '')
    expect(run).toMatchObject({ status: 'completed' })
    assertNoStepRanAgain(life, kills, `the end, seed ${dice.seed}`)
    await assertEachStepOnce(life, page, first ?? '')
    for (const id of life.acknowledged) {
      expect(await ended(page, id), `run ${id}`).toMatchObject({ status: 'completed' })
      expect(await runOf(page, id)).toMatchObject({ id })
    }
  } finally {
    await browser.kill()
  }
})

/** One life of the browser: up, some work, dead. */
async function liveAndDie(life: Life, round: number, profile: string): Promise<void> {
  const { server, key, dice, acknowledged } = life
  const browser = await startRawBrowser(profile)
  try {
    const before = server.witness.arrivals(`${key}/run/`).length
    const opening = openIn(browser.context, server, key)
    // Every fourth life ends while page, worker, wasm or pool are still being opened.
    if (round > 0 && dice.integer(4) === 0) {
      opening.catch(() => undefined)
      await passes(dice.integer(500))
      return
    }
    const page = await opening
    if (round === 0) acknowledged.push(await triggerIn(page, 'endless', key))
    await server.witness.reached(`${key}/run/`, before + 1 + dice.integer(40))
    if (dice.integer(2) === 0) acknowledged.push(await triggerIn(page, 'quick', key))
    await passes(dice.integer(25))
  } finally {
    await browser.kill()
  }
}

function triggerIn(page: Page, job: 'endless' | 'quick', key: string): Promise<string> {
  if (job === 'quick') {
    return page.evaluate(async () => (await window.stepwell.trigger('quick', { count: 3 })).id)
  }
  return page.evaluate(async (key) => (await window.stepwell.trigger('endless', { key })).id, key)
}

function assertNoStepRanAgain(life: Life, kills: readonly number[], when: string): void {
  const { server, key } = life
  // And never after its commit was told to the page.
  const afterAcknowledgement = ranAfterAcknowledgement(server, `${key}/ack/s-`, `${key}/run/`)
  // One expectation for all: Playwright keeps a record of each, and there are thousands of steps.
  expect([...ranAgain(life, kills), ...afterAcknowledgement], when).toEqual([])
}

/**
 * Step n + 1 starts only when step n is committed. So a step may come twice only around a kill, when it was the last
 * that had come.
 */
function* ranAgain({ server, key }: Life, kills: readonly number[]): Generator<string> {
  const lastOfLife = new Set(kills)
  let newest = -1
  for (const [i, { key: step }] of server.witness.arrivals(`${key}/run/`).entries()) {
    const index = Number(step.slice(step.lastIndexOf('-') + 1))
    if (index === newest + 1) newest = index
    else if (index !== newest) yield `${step} came after s-${newest}`
    else if (!lastOfLife.has(i)) yield `${step} came again without a kill in between`
  }
}

async function assertEachStepOnce({ server, key }: Life, page: Page, id: string): Promise<void> {
  const steps = await page.evaluate((id) => window.stepwell.getSteps(id), id)
  expect(steps.map(({ name, completedIndex }) => [name, completedIndex])).toEqual(
    steps.map((_, i) => [`s-${i}`, i]),
  )
  expect(steps.length).toBe(Object.keys(server.witness.counts(`${key}/run/`)).length)
}
