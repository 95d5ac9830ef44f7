// ACCEPTANCE E3–E5: the hooks, on real data in a real page.
import { expect, test } from '../support/fixtures.js'
import { expectNothingUnhandled } from '../support/page.js'
import { commitsAFrame, panel, runShown, status, trigger, WAYS } from '../support/panels.js'

for (const { title, ...way } of WAYS) {
  test.describe(title, () => {
    test('loading first, then idle; from the click on pending, then running, then completed', async ({
      openPage,
      key,
      server,
    }) => {
      const page = await openPage(panel(way))
      await expect(status(page)).toHaveText('idle')
      await trigger(page, { key, count: 2, gateAt: 1 })
      await server.gate(key).reached()
      await expect(status(page)).toHaveText('running')
      await expect(page.getByTestId('job-steps')).toHaveText('s-0:completed s-1:running')
      await expect(page.getByRole('button', { name: 'Trigger', exact: true })).toBeDisabled()
      server.gate(key).open()
      await expect(status(page)).toHaveText('completed')
      await expect(page.getByTestId('job-output')).toHaveText('{"values":[0,1]}')
      await expect(page.getByRole('button', { name: 'Trigger', exact: true })).toBeEnabled()
      await expect(page.getByTestId('job-identity-changes')).toHaveText('0')

      const commits = await page.evaluate(() => window.commits)
      const seen = commits
        .map((commit) => commit.status)
        .filter((each, i, all) => each !== all[i - 1])
      expect(seen).toEqual(['loading', 'idle', 'pending', 'running', 'completed'])
      for (const commit of commits) {
        expect(commit.isDisabled).toBe(['loading', 'pending', 'running'].includes(commit.status))
      }
      await expectNothingUnhandled(page)
    })

    test('after a reload the same run, and never an enabled button over it', async ({
      openPage,
      key,
      server,
    }) => {
      const page = await openPage(panel(way))
      await expect(status(page)).toHaveText('idle')
      await trigger(page, { key, count: 2, gateAt: 1 })
      await server.gate(key).reached()
      const runId = await runShown(page)
      await page.reload()
      await expect(status(page)).toHaveText('running')
      await expect(page.getByTestId('job-run')).toHaveText(runId)
      const commits = await page.evaluate(() => window.commits)
      expect(commits.every(({ isDisabled }) => isDisabled)).toBe(true)
      expect(commits.map((commit) => commit.status)).not.toContain('idle')
      server.gate(key).open()
      await expect(status(page)).toHaveText('completed')
    })

    test('unmounting stops updates; the first paint after mounting again shows what is now', async ({
      openPage,
      key,
      server,
    }) => {
      const page = await openPage(panel(way))
      await expect(status(page)).toHaveText('idle')
      await trigger(page, { key, count: 3, gateAt: 1 })
      await server.gate(key).reached()
      await expect(status(page)).toHaveText('running')
      await page.getByRole('button', { name: 'Unmount' }).click()
      await expect(status(page)).toHaveCount(0)
      const before = await page.evaluate(() => window.commits.length)
      await page.getByRole('button', { name: 'Mount' }).click()
      const first = await page.evaluate((before) => window.commits[before], before)
      expect(first).toMatchObject({ status: 'running', progress: null })
      await page.getByRole('button', { name: 'Unmount' }).click()
      const unmounted = await page.evaluate(() => window.commits.length)
      server.gate(key).open()
      await page.waitForFunction(() => window.events.some(({ type }) => type === 'run:complete'))
      expect(await page.evaluate(() => window.commits.length)).toBe(unmounted)
      await expectNothingUnhandled(page)
    })

    test('failure, retry, cancel and reset', async ({ openPage, key }) => {
      const page = await openPage(panel({ ...way, job: 'flaky' }))
      await expect(status(page)).toHaveText('idle')
      await trigger(page, { key, failures: 1 })
      await expect(status(page)).toHaveText('failed')
      await expect(page.getByTestId('job-error')).toHaveText('TypeError: failure 1')
      await page.getByRole('button', { name: 'Retry' }).click()
      await expect(status(page)).toHaveText('completed')
      await expect(page.getByTestId('job-error')).toHaveText('')
      // The run has ended: the rejection of this cancel is handled, though nobody awaits it.
      await page.getByRole('button', { name: 'Cancel' }).click()
      await page.getByRole('button', { name: 'Reset' }).click()
      await expect(status(page)).toHaveText('idle')
      await expect(page.getByTestId('job-run')).toHaveText('')
      await expectNothingUnhandled(page)
    })
  })
}

test('cancel of a running run shows cancelled', async ({ openPage, key, server }) => {
  const page = await openPage(panel({}))
  await expect(status(page)).toHaveText('idle')
  await trigger(page, { key, count: 2, gateAt: 0 })
  await server.gate(key).reached()
  // The step may be at work before the hook has heard of the run that is to be cancelled.
  await runShown(page)
  await page.getByRole('button', { name: 'Cancel' }).click()
  await expect(status(page)).toHaveText('cancelled')
})

test('a rejected trigger shows in triggerError, restores what was, and raises nothing', async ({
  openPage,
}) => {
  const page = await openPage(panel({ job: 'parsed' }))
  await expect(status(page)).toHaveText('idle')
  await trigger(page, { name: 'first' })
  await expect(status(page)).toHaveText('completed')
  const runId = await runShown(page)
  await trigger(page, { name: 1 })
  await expect(page.getByTestId('job-trigger-error')).toHaveText('invalid_input')
  await expect(status(page)).toHaveText('completed')
  await expect(page.getByTestId('job-run')).toHaveText(runId)
  await trigger(page, { name: 'second' })
  await expect(page.getByTestId('job-trigger-error')).toHaveText('')
  await expect(page.getByTestId('job-run')).not.toHaveText(runId)
  await expectNothingUnhandled(page)
})

test('a trigger before the first answer is kept and sent', async ({ openPage, key, server }) => {
  const page = await openPage(panel({}))
  await page.reload({ waitUntil: 'commit' })
  await page.getByLabel('Input').fill(JSON.stringify({ key, count: 1 }))
  await page.getByRole('button', { name: 'Trigger anyway' }).click()
  await expect(status(page)).toHaveText('completed')
  expect(server.witness.count(`${key}/s-0`)).toBe(1)
})

test('autoResume: false does not attach to an active run', async ({ openPage, key, server }) => {
  const page = await openPage(panel({}))
  await expect(status(page)).toHaveText('idle')
  await trigger(page, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  await page.goto(page.url().replace('job-panel', 'no-resume=1&job-panel'))
  await expect(status(page)).toHaveText('idle')
  server.gate(key).open()
})

test('useRun: a run, a missing one, and none', async ({ openPage, key, server }) => {
  const page = await openPage(panel({ panels: ['run'] }))
  await expect(status(page, 'run')).toHaveText('idle')
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('steps', { key, count: 2, gateAt: 1 })).id,
    key,
  )
  await page.getByRole('textbox', { name: 'Run' }).fill(id)
  await expect(status(page, 'run')).toHaveText('running')
  await server.gate(key).reached()
  server.gate(key).open()
  await expect(status(page, 'run')).toHaveText('completed')
  await expect(page.getByTestId('run-output')).toHaveText('{"values":[0,1]}')
  await page.getByRole('textbox', { name: 'Run' }).fill('01900000-0000-7000-8000-000000000000')
  await expect(status(page, 'run')).toHaveText('missing')
  await page.getByRole('textbox', { name: 'Run' }).fill('')
  await expect(status(page, 'run')).toHaveText('idle')
})

test('useRunLogs: lines as they come, a bound, older ones on demand, clear', async ({
  openPage,
  key,
}) => {
  const page = await openPage(panel({ panels: ['logs'], more: { 'log-limit': '20' } }))
  await expect(page.getByTestId('logs-state')).toHaveText('idle 0 0 false')
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('logging', { key, lines: 100 })).id,
    key,
  )
  await page.evaluate((id) => window.stepwell.waitForRun(id), id)
  await page.getByRole('textbox', { name: 'Run' }).fill(id)
  const lines = page.getByTestId('logs').getByRole('listitem')
  await expect(lines).toHaveCount(20)
  await expect(lines.last()).toHaveText('warn - after')
  await expect(lines.first()).toHaveText('info speak line 81')
  await expect(page.getByTestId('logs-state')).toHaveText('ready 20 0 true')
  await page.getByRole('button', { name: 'Load older' }).click()
  await expect(lines).not.toHaveCount(20)
  await expect(lines.last()).toHaveText('warn - after')
  await page.getByRole('button', { name: 'Clear' }).click()
  await expect(lines).toHaveCount(0)
  // A new run's lines arrive while they are written.
  const next = await page.evaluate(
    async (key) => (await window.stepwell.trigger('logging', { key, lines: 3 })).id,
    key,
  )
  await page.getByRole('textbox', { name: 'Run' }).fill(next)
  await expect(lines).toHaveCount(9)
  await expect(lines.nth(5)).toHaveText('info speak line 0')
})

for (const { title, job, input } of [
  { title: '1,000 progress calls in one step', job: 'storming', input: { times: 1000 } },
  { title: '1,000 steps that tell progress', job: 'told', input: { count: 1000 } },
]) {
  test(`${title} cause at most two commits a frame`, async ({ openPage }) => {
    const page = await openPage(panel({ job }))
    await expect(status(page)).toHaveText('idle')
    await trigger(page, input)
    // A thousand steps are a thousand flushes, and other tests may keep the disk busy.
    await expect(status(page)).toHaveText('completed', { timeout: 25_000 })
    await expect(page.getByTestId('job-progress')).toHaveText('1000')
    const isRunning = (each: string) => each === 'running'
    expect(await commitsAFrame(page, 'job', isRunning)).toBeLessThanOrEqual(2)
  })
}

test('from the call of trigger on the status is pending, before any answer', async ({
  openPage,
  key,
}) => {
  const page = await openPage(panel({}))
  await expect(status(page)).toHaveText('idle')
  await page.getByLabel('Input').fill(JSON.stringify({ key, count: 1 }))
  const shown = await page
    .getByRole('button', { name: 'Trigger', exact: true })
    .evaluate(async (button) => {
      if (button instanceof HTMLElement) button.click()
      // What React has to say comes in a microtask, what the engine has to say in a task.
      await Promise.resolve()
      return document.querySelector('[data-testid=job-status]')?.textContent
    })
  expect(shown).toBe('pending')
  await expect(status(page)).toHaveText('completed')
})

test('the hooks of a follower work as those of the leader, before and after it takes over', async ({
  openPage,
  key,
}) => {
  const leader = await openPage(panel({}))
  await expect(status(leader)).toHaveText('idle')
  const follower = await openPage(panel({}))
  await expect(follower.getByTestId('status')).toContainText('ready follower')
  await expect(status(follower)).toHaveText('idle')
  await trigger(follower, { key: `${key}-1`, count: 1 })
  await expect(status(follower)).toHaveText('completed')
  const first = await runShown(follower)
  await leader.close()
  await expect(follower.getByTestId('status')).toContainText('ready leader')
  await expect(follower.getByTestId('job-run')).toHaveText(first)
  await trigger(follower, { key: `${key}-2`, count: 1 })
  await expect(follower.getByTestId('job-run')).not.toHaveText(first)
  await expect(status(follower)).toHaveText('completed')
  await expectNothingUnhandled(follower)
})

test('a tab that takes over shows the run that is at work', async ({ openPage, key, server }) => {
  const leader = await openPage(panel({}))
  await expect(status(leader)).toHaveText('idle')
  await trigger(leader, { key, count: 2, gateAt: 1 })
  await server.gate(key).reached()
  const runId = await runShown(leader)
  const follower = await openPage(panel({}))
  await expect(status(follower)).toHaveText('running')
  await leader.close()
  await expect(follower.getByTestId('status')).toContainText('ready leader')
  await expect(status(follower)).toHaveText('running')
  await expect(follower.getByTestId('job-run')).toHaveText(runId)
  server.gate(key).open()
  await expect(status(follower)).toHaveText('completed')
  await expectNothingUnhandled(follower)
})

test('a hook below a boundary that suspends shows what is now when it is back', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage(panel({}))
  await expect(status(page)).toHaveText('idle')
  await trigger(page, { key, count: 2, gateAt: 0 })
  await server.gate(key).reached()
  await page.getByRole('button', { name: 'Suspend' }).click()
  await expect(page.getByText('suspended')).toBeVisible()
  server.gate(key).open()
  await page.waitForFunction(() => window.events.some(({ type }) => type === 'run:complete'))
  server.gate(`${key}-late`).open()
  await expect(page.getByText('here at last')).toBeVisible()
  await expect(status(page)).toHaveText('completed')
})
