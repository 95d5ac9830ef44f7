// Waits, children and signals as the hooks show them: live, in order, and not read again for what events tell.
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { ended, expectNothingUnhandled } from '../support/page.js'
import { commitsAFrame, panel, region, WAYS } from '../support/panels.js'
import { trigger } from '../support/runs.js'

const shown = (page: Page, what: string) => page.getByTestId(`waiting-${what}`)
const sender = (page: Page, name: string) => region(page, name).getByTestId('signal')
const send = (page: Page, name: string, what = 'Send') =>
  region(page, name).getByRole('button', { name: what, exact: true }).click()
const show = (page: Page, runId: string) => page.getByLabel('Run').fill(runId)
const asked = (page: Page) => page.evaluate(() => ({ ...window.asked }))

for (const { title, ...way } of WAYS) {
  test.describe(title, () => {
    const waiting = panel({ ...way, panels: ['waiting', 'signal', 'family'] })

    test('a signal: its wait is shown, the button sends it, and the run goes on', async ({
      openPage,
      key,
    }) => {
      const page = await openPage(waiting)
      const runId = await trigger(page, 'approval', { key })
      await show(page, runId)
      await expect(shown(page, 'status')).toHaveText('waiting')
      await expect(shown(page, 'for')).toHaveText('signal approved')
      await expect(shown(page, 'steps')).toHaveText('ask:completed:1 approved:waiting:1')
      await send(page, 'waiting')
      await expect(shown(page, 'status')).toHaveText('completed')
      await expect(shown(page, 'for')).toHaveText('')
      await expect(shown(page, 'steps')).toHaveText(
        'ask:completed:1 approved:completed:1 use:completed:1',
      )
      // The key is gone with the wait, and another key begins anew.
      await expect(sender(page, 'waiting')).toHaveText('false - -')
      await expectNothingUnhandled(page)
    })

    test('children: in the order of the call, live, over a reload, and read once', async ({
      openPage,
      key,
      server,
    }) => {
      const page = await openPage(waiting)
      const work = [0, 1, 2].map((n) => ({ key, n, how: 'waits' as const }))
      const runId = await trigger(page, 'parent', { key, work })
      await show(page, runId)
      await expect(shown(page, 'for')).toHaveText('children parts')
      await server.gate(`${key}-0`).reached()
      await expect(shown(page, 'children')).toHaveText(
        'parts:0:running parts:1:pending parts:2:pending',
      )
      await expect(page.getByTestId('family-children')).toHaveText(
        'child:pending child:pending child:running',
      )
      await expect(page.getByTestId('family-roots')).toHaveText('parent:waiting')
      const before = await asked(page)
      server.gate(`${key}-0`).open()
      await server.gate(`${key}-1`).reached()
      await expect(shown(page, 'children')).toHaveText(
        'parts:0:completed parts:1:running parts:2:pending',
      )
      const { getRuns = 0, getSteps = 0 } = await asked(page)
      expect([getRuns, getSteps]).toEqual([before['getRuns'], before['getSteps']])

      await page.reload()
      await show(page, runId)
      await expect(shown(page, 'children')).toHaveText(
        /parts:0:completed parts:1:running parts:2:pending/,
      )
      server.gate(`${key}-1`).open()
      server.gate(`${key}-2`).open()
      await expect(shown(page, 'status')).toHaveText('completed')
      await expect(shown(page, 'counts')).toHaveText('completed 3')
      await expectNothingUnhandled(page)
    })

    test('attempts: the wait for the next one is shown, and the attempts count', async ({
      openPage,
      key,
    }) => {
      const page = await openPage(waiting)
      const retry = { maxAttempts: 3, initialDelay: '1h' } as const
      const runId = await trigger(page, 'shaky-step', { key, failures: 1, retry })
      await show(page, runId)
      await expect(shown(page, 'for')).toHaveText('retry shaky')
      await expect(shown(page, 'steps')).toHaveText('first:completed:1 shaky:waiting:1')
      await page.evaluate((id) => window.stepwell.cancel(id), runId)
      await expect(shown(page, 'status')).toHaveText('cancelled')
      await expect(shown(page, 'steps')).toHaveText('first:completed:1 shaky:pending:1')
      await page.evaluate((id) => window.stepwell.retry(id), runId)
      await expect(shown(page, 'status')).toHaveText('completed')
      await expect(shown(page, 'steps')).toHaveText(
        'first:completed:1 shaky:completed:2 last:completed:1',
      )
    })
  })
}

const waiting = panel({ panels: ['waiting', 'signal'] })

test('a run sleeps and goes on, and nothing is read for it but its end', async ({
  openPage,
  key,
}) => {
  const page = await openPage(waiting)
  const runId = await trigger(page, 'sleeper', { key, ms: 3_000 })
  await show(page, runId)
  await expect(shown(page, 'for')).toHaveText('sleep nap')
  const before = await asked(page)
  await expect(shown(page, 'status')).toHaveText('completed')
  await expect(shown(page, 'steps')).toHaveText(
    'before:completed:1 nap:completed:1 after:completed:1',
  )
  const { getRun = 0, getSteps = 0, getRuns = 0 } = await asked(page)
  expect(getRun - (before['getRun'] ?? 0)).toBeLessThanOrEqual(1)
  expect(getSteps - (before['getSteps'] ?? 0)).toBeLessThanOrEqual(1)
  expect(getRuns).toBe(before['getRuns'] ?? 0)
})

test('an error that is sent is what the wait throws', async ({ openPage, key }) => {
  const page = await openPage(waiting)
  const runId = await trigger(page, 'approval', { key })
  await show(page, runId)
  await expect(shown(page, 'for')).toHaveText('signal approved')
  await send(page, 'waiting', 'Send an error')
  await expect(shown(page, 'status')).toHaveText('failed')
  expect((await ended(page, runId)).error).toMatchObject({
    name: 'RangeError',
    message: 'refused',
    stepName: 'approved',
  })
})

test('what became of a signal is shown until the key changes; without a key it rejects', async ({
  openPage,
  key,
}) => {
  const page = await openPage(waiting)
  await send(page, 'signal')
  await expect(sender(page, 'signal')).toHaveText('false - invalid_input')
  const keyField = region(page, 'signal').getByLabel('Key')
  await keyField.fill(key)
  await expect(sender(page, 'signal')).toHaveText('false - -')
  await send(page, 'signal')
  await expect(sender(page, 'signal')).toHaveText('false kept -')
  await send(page, 'signal')
  await expect(sender(page, 'signal')).toHaveText('false ignored -')
  await keyField.fill(`${key}-other`)
  await expect(sender(page, 'signal')).toHaveText('false - -')

  const runId = await trigger(page, 'approval', { key, options: { key } })
  expect((await ended(page, runId)).output).toMatchObject({ received: true })
  await keyField.fill(key)
  const later = await trigger(page, 'approval', { key, options: { key } })
  await show(page, later)
  await expect(shown(page, 'for')).toHaveText('signal approved')
  await send(page, 'signal')
  await expect(sender(page, 'signal')).toHaveText('false delivered -')
  await expect(shown(page, 'status')).toHaveText('completed')
  await expectNothingUnhandled(page)
})

test('1,000 children that end cause at most two commits a frame, and two reads', async ({
  openPage,
}) => {
  test.setTimeout(60_000)
  const page = await openPage({ ...waiting, concurrency: 16 })
  const runId = await trigger(page, 'crowd', { count: 1000 })
  await show(page, runId)
  await expect(shown(page, 'status')).toHaveText('completed', { timeout: 40_000 })
  await expect(shown(page, 'counts')).toHaveText('completed 1000')
  await expect(shown(page, 'children')).toHaveText(/^parts:0:completed parts:1:completed/)
  const commits = await commitsAFrame(page, 'waiting', () => true)
  expect(commits).toBeGreaterThan(0)
  expect(commits).toBeLessThanOrEqual(2)
  expect((await asked(page))['getRuns']).toBeLessThanOrEqual(2)
})

test('over an engine that is started again the children are right', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage(waiting)
  const work = [0, 1].map((n) => ({ key, n, how: 'waits' as const }))
  const runId = await trigger(page, 'parent', { key, work })
  await show(page, runId)
  await server.gate(`${key}-0`).reached()
  await page.evaluate(() => window.crash('terminate'))
  server.gate(`${key}-0`).open()
  await server.gate(`${key}-1`).reached()
  await expect(shown(page, 'children')).toHaveText('parts:0:completed parts:1:running')
  await expect(shown(page, 'for')).toHaveText('children parts')
  server.gate(`${key}-1`).open()
  await expect(shown(page, 'status')).toHaveText('completed')
  await expect(shown(page, 'counts')).toHaveText('completed 2')
})

test('of five waits at once events tell what the engine has, in its order', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage(waiting)
  await page.evaluate(() => window.stepwell.getRuns({ limit: 1 }))
  const runId = await trigger(page, 'ordering', { key, ms: 700 })
  await show(page, runId)
  // The steps as the engine lists them, in the words of the panel.
  const stored = () =>
    page.evaluate(async (id) => {
      const steps = await window.stepwell.getSteps(id)
      return steps.map(({ name, status, attempt }) => `${name}:${status}:${attempt}`).join(' ')
    }, runId)
  const isAsStored = async () => (await shown(page, 'steps').textContent()) === (await stored())
  await expect(shown(page, 'steps')).toHaveText(/nap:completed:1.*kid:waiting:1.*word:waiting:1/)
  await expect.poll(isAsStored).toBe(true)
  const before = await asked(page)
  server.gate(`${key}-two`).open()
  await expect(shown(page, 'steps')).toHaveText(/two:completed/)
  server.gate(`${key}-one`).open()
  await expect(shown(page, 'for')).toHaveText(/kid|word/)
  await page.evaluate((id) => window.stepwell.signal(`${id}:word`, 1), runId)
  server.gate(`${key}-0`).open()
  await expect(shown(page, 'steps')).toHaveText(/kid:completed.*hold:running/)
  expect((await asked(page))['getSteps']).toBe(before['getSteps'])
  await expect.poll(isAsStored).toBe(true)
  await expect(shown(page, 'for')).toHaveText('')
  server.gate(key).open()
  await expect(shown(page, 'status')).toHaveText('completed')
})
