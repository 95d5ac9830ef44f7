// How many transactions work costs: counted, not timed.
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'

/** What the engine counted while `quick` ran `runs` times at once, with `count` steps each. */
async function count(page: Page, runs: number, count: number) {
  await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
  return page.evaluate(
    async ({ runs, count }) => {
      const before = await window.counters()
      await Promise.all(
        Array.from({ length: runs }, () => window.stepwell.triggerAndWait('quick', { count })),
      )
      const after = await window.counters()
      return { steps: after.steps - before.steps, commits: after.commits - before.commits }
    },
    { runs, count },
  )
}

test('one run: exactly one commit a step, one for trigger and claim, one for the end', async ({
  openPage,
}) => {
  const page = await openPage()
  expect(await count(page, 1, 100)).toEqual({ steps: 100, commits: 102 })
})

test('16 runs at once: at least six steps a commit', async ({ openPage }) => {
  const page = await openPage({ concurrency: 16 })
  const { steps, commits } = await count(page, 16, 50)
  expect(steps).toBe(800)
  expect(steps / commits).toBeGreaterThanOrEqual(6)
})
