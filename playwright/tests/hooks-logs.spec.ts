// ACCEPTANCE D2 and E5: 10,000 log lines in one step, on a profile on disk and with strict durability.
import { addressOf, expect, test } from '../support/fixtures.js'
import { mainThreadTasks } from '../support/main-thread.js'
import { ended, expectNothingUnhandled, ready } from '../support/page.js'
import { commitsAFrame, panel } from '../support/panels.js'

const LINES = 10_000

test('10,000 log lines in one step: all stored in order, no long task, at most two commits a frame', async ({
  launchBrowser,
  profile,
  server,
  key,
}) => {
  const context = await launchBrowser(profile)
  const [page = await context.newPage()] = context.pages()
  const options = panel({ panels: ['logs', 'run'], more: { 'only-last': '1' } })
  await page.goto(addressOf(server.origin, key, { ...options, durability: 'strict' }))
  await ready(page)
  // A first run, short: the code is compiled, and what follows is what a page does in its second minute.
  const warm = await page.evaluate(
    async (key) => (await window.stepwell.trigger('logging', { key, lines: 100 })).id,
    key,
  )
  await page.getByRole('textbox', { name: 'Run' }).fill(warm)
  await ended(page, warm)

  const gated = { key, lines: LINES, gate: `${key}-lines` }
  const id = await page.evaluate(
    async (input) => (await window.stepwell.trigger('logging', input)).id,
    gated,
  )
  await page.getByRole('textbox', { name: 'Run' }).fill(id)
  await server.gate(gated.gate).reached()
  await expect(page.getByTestId('run-status')).toHaveText('running')
  await page.evaluate(() => {
    window.commits = []
  })
  const tasks = await mainThreadTasks(page, async () => {
    server.gate(gated.gate).open()
    await page.getByTestId('logs').getByText('warn - after').waitFor()
    await ended(page, id)
  })
  console.log(`main thread: ${tasks.count} tasks, the longest ${tasks.longest.join(', ')} ms`)
  expect(tasks.count).toBeGreaterThan(10)
  expect(tasks.longest[0]).toBeLessThanOrEqual(16)
  const commits = await commitsAFrame(page, 'logs', () => true)
  expect(commits).toBeGreaterThan(0)
  expect(commits).toBeLessThanOrEqual(2)

  // All of them, in order; the panel has the newest thousand.
  const messages = await page.evaluate(async (id) => {
    const found: string[] = []
    let cursor: number | null = 0
    while (cursor !== null) {
      const read: Awaited<ReturnType<typeof window.stepwell.getLogs>> =
        await window.stepwell.getLogs(id, { limit: 4000, cursor })
      found.push(...read.logs.map(({ message }) => message))
      cursor = read.nextCursor
    }
    return found.filter((message) => message.startsWith('line '))
  }, id)
  expect(messages).toEqual(Array.from({ length: LINES }, (_, i) => `line ${i}`))
  await expect(page.getByTestId('logs-state')).toHaveText(`ready 1000 ${LINES + 6 - 1000} true`)
  await expectNothingUnhandled(page)
})
