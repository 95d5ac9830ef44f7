// ACCEPTANCE E3: labels, keys, `followLatest`, `retrigger`, deletion: which run the hooks show.
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { ended, expectNothingUnhandled } from '../support/page.js'
import { panel, region, runShown, status, trigger, WAYS } from '../support/panels.js'

const shownRun = (page: Page, name = 'job') => page.getByTestId(`${name}-run`)

for (const { title, ...way } of WAYS) {
  test(`${title}: followLatest switches to a run of another hook, of the client and of a retrigger`, async ({
    openPage,
    key,
  }) => {
    const page = await openPage(panel({ ...way, panels: ['job', 'second'], more: { follow: '1' } }))
    await expect(status(page)).toHaveText('idle')
    await trigger(page, { key, count: 1 }, 'second')
    await expect(status(page)).toHaveText('completed')
    const first = await runShown(page, 'second')
    await expect(shownRun(page)).toHaveText(first)

    const next = await page.evaluate(
      async (key) => (await window.stepwell.trigger('steps', { key, count: 1 })).id,
      key,
    )
    for (const name of ['job', 'second']) await expect(shownRun(page, name)).toHaveText(next)
    await expect(status(page)).toHaveText('completed')

    await region(page, 'second').getByRole('button', { name: 'Retrigger' }).click()
    await expect(shownRun(page)).not.toHaveText(next)
    await expect(status(page)).toHaveText('completed')
    const fresh = await runShown(page)
    await expect(shownRun(page, 'second')).toHaveText(fresh)
    expect(fresh > next).toBe(true)
    await expectNothingUnhandled(page)
  })
}

test('without followLatest a hook stays with its run', async ({ openPage, key }) => {
  const page = await openPage(panel({ panels: ['job', 'second'] }))
  await expect(status(page)).toHaveText('idle')
  await trigger(page, { key, count: 1 })
  await expect(status(page)).toHaveText('completed')
  await expect(status(page, 'second')).toHaveText('idle')
  const id = await runShown(page)
  await trigger(page, { key, count: 1 }, 'second')
  await expect(status(page, 'second')).toHaveText('completed')
  await expect(shownRun(page)).toHaveText(id)
})

test('followLatest follows over an engine that is started again', async ({ openPage, key }) => {
  const page = await openPage(panel({ more: { follow: '1' } }))
  await expect(status(page)).toHaveText('idle')
  await page.evaluate(() => window.crash('terminate'))
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('steps', { key, count: 1 })).id,
    key,
  )
  await expect(shownRun(page)).toHaveText(id)
  await expect(status(page)).toHaveText('completed')
})

test('after a reload a hook takes the active run of its labels and key, and no other', async ({
  openPage,
  key,
  server,
}) => {
  const more = { labels: JSON.stringify({ tenant: 'a' }), key: 'k' }
  const page = await openPage({ ...panel({ more }), concurrency: 3 })
  await expect(status(page)).toHaveText('idle')
  await trigger(page, { key, count: 1, gateAt: 0 })
  await expect(status(page)).toHaveText('running')
  const own = await runShown(page)
  const run = await page.evaluate((id) => window.stepwell.getRun(id), own)
  expect(run).toMatchObject({ labels: { tenant: 'a' }, concurrencyKey: 'k' })
  // Newer ones, of other labels and of another key.
  await page.evaluate(async (key) => {
    const input = { key, count: 1, gateAt: 0 }
    const [tenant, other] = [{ tenant: 'a' }, { tenant: 'b' }]
    await window.stepwell.trigger('steps', input, { labels: other, concurrencyKey: 'k2' })
    await window.stepwell.trigger('steps', input, { labels: tenant })
  }, key)
  await page.reload()
  await expect(status(page)).toHaveText('running')
  await expect(shownRun(page)).toHaveText(own)
  await page.goto(page.url().replace('&key=k', '&key=none'))
  await expect(status(page)).toHaveText('idle')
  server.gate(key).open()
})

test('a startAt that is another one in each render delays the run and loses nothing', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage(panel({ more: { delayed: '1' } }))
  await expect(status(page)).toHaveText('idle')
  await page.evaluate(() => {
    window.commits = []
  })
  await trigger(page, { key, count: 1, gateAt: 0 })
  await expect(status(page)).toHaveText('running')
  server.gate(key).open()
  await expect(status(page)).toHaveText('completed')
  const id = await runShown(page)
  const run = await page.evaluate((id) => window.stepwell.getRun(id), id)
  expect(run?.startedAt).toBeGreaterThanOrEqual(run?.startAt ?? Number.NaN)
  expect(run?.startAt).toBeGreaterThan(run?.createdAt ?? Number.NaN)
  const commits = await page.evaluate(() => window.commits)
  const seen = commits.map((commit) => commit.status).filter((each, i, all) => each !== all[i - 1])
  expect(seen).toEqual(['idle', 'pending', 'running', 'completed'])
})

test('retrigger: useJob shows the fresh run, pending at once; useRun goes on with its own', async ({
  openPage,
  key,
}) => {
  const page = await openPage(panel({ panels: ['job', 'run'] }))
  await expect(status(page)).toHaveText('idle')
  await trigger(page, { key, count: 1 })
  await expect(status(page)).toHaveText('completed')
  const old = await runShown(page)
  await page.getByRole('textbox', { name: 'Run' }).fill(old)
  await expect(status(page, 'run')).toHaveText('completed')

  await page.evaluate(() => {
    window.commits = []
  })
  await region(page).getByRole('button', { name: 'Retrigger' }).click()
  await expect(shownRun(page)).not.toHaveText(old)
  await expect(status(page)).toHaveText('completed')
  const seen = await page.evaluate(() =>
    window.commits.filter((commit) => commit.panel === 'job').map((commit) => commit.status),
  )
  expect(seen.find((each) => each !== 'completed')).toBe('pending')

  await page.getByRole('button', { name: 'Retrigger run' }).click()
  await expect(page.getByTestId('run-fresh')).not.toHaveText('')
  const fresh = (await page.getByTestId('run-fresh').textContent()) ?? ''
  expect(fresh).not.toBe(old)
  await ended(page, fresh)
  await expect(status(page, 'run')).toHaveText('completed')
  await expectNothingUnhandled(page)
})

test('a retrigger of an active run shows in triggerError, and the run is shown on', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage(panel({}))
  await expect(status(page)).toHaveText('idle')
  await trigger(page, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  await runShown(page)
  await region(page).getByRole('button', { name: 'Retrigger' }).click()
  await expect(page.getByTestId('job-trigger-error')).toHaveText('conflict')
  await expect(status(page)).toHaveText('running')
  server.gate(key).open()
  await expect(status(page)).toHaveText('completed')
  await expectNothingUnhandled(page)
})

test('a run that is deleted is missing, in useJob too; reset makes it idle', async ({
  openPage,
  key,
}) => {
  const page = await openPage(panel({ panels: ['job', 'run', 'logs'] }))
  await expect(status(page)).toHaveText('idle')
  await trigger(page, { key, count: 1 })
  await expect(status(page)).toHaveText('completed')
  const id = await runShown(page)
  await page.getByRole('textbox', { name: 'Run' }).fill(id)
  await expect(status(page, 'run')).toHaveText('completed')
  await page.evaluate((id) => window.stepwell.deleteRun(id), id)
  await expect(status(page)).toHaveText('missing')
  await expect(status(page, 'run')).toHaveText('missing')
  await expect(page.getByTestId('logs-state')).toHaveText('unavailable 0 0 false')
  await expect(page.getByRole('button', { name: 'Trigger', exact: true })).toBeEnabled()
  await region(page).getByRole('button', { name: 'Reset' }).click()
  await expect(status(page)).toHaveText('idle')
  await expectNothingUnhandled(page)
})

test('initialRunId shows that run from the start', async ({ openPage, key, server }) => {
  const page = await openPage(panel({}))
  await expect(status(page)).toHaveText('idle')
  await trigger(page, { key, count: 1 })
  await expect(status(page)).toHaveText('completed')
  const id = await runShown(page)
  await trigger(page, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  await page.goto(`${page.url()}&initial-run=${id}`)
  await expect(status(page)).toHaveText('completed')
  await expect(shownRun(page)).toHaveText(id)
  server.gate(key).open()
})
