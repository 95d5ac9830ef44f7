// ACCEPTANCE E4: `useSuspenseRun`, and parts of a run by `select`.
import { expect, test } from '../support/fixtures.js'
import { expectNothingUnhandled, triggerSteps } from '../support/page.js'
import { openWithout, RUNTIME } from '../support/page-code.js'
import { panel, WAYS } from '../support/panels.js'

const MISSING = '01900000-0000-7000-8000-000000000000'

for (const { title, ...way } of WAYS) {
  test(`${title}: suspends while it is read, then shows what is, and is never loading`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage(panel({ ...way, panels: ['suspense'] }))
    const id = await triggerSteps(page, { key, count: 2, gateAt: 1 })
    await server.gate(key).reached()
    // A reload: nothing is known, and no engine is there yet.
    await page.goto(`${page.url()}&run=${id}`)
    await expect(page.getByTestId('suspense-status')).toHaveText('running')
    await expect(page.getByTestId('suspense-fallback')).toHaveCount(0)
    server.gate(key).open()
    await expect(page.getByTestId('suspense-status')).toHaveText('completed')
    await page.getByRole('textbox', { name: 'Run' }).fill(MISSING)
    await expect(page.getByTestId('suspense-status')).toHaveText('missing')
    const commits = await page.evaluate(() => window.commits)
    const seen = commits.filter(({ panel }) => panel === 'suspense').map(({ status }) => status)
    expect(seen).not.toContain('loading')
    expect(seen).not.toContain('idle')
    expect(seen[0]).toBe('running')
    await expectNothingUnhandled(page)
  })

  test(`${title}: an engine that cannot be reached is for the error boundary`, async ({
    openPage,
    sharedContext,
    address,
    key,
  }) => {
    const leader = await openPage(panel({ ...way, panels: ['job'] }))
    const id = await triggerSteps(leader, { key, count: 1 })
    const options = panel({ ...way, panels: ['suspense'], more: { run: id } })
    const page = await openWithout(sharedContext, RUNTIME, address(options))
    await expect(page.getByTestId('suspense-error')).toHaveText('faulted')
    await page.getByRole('button', { name: 'Try again' }).click()
    await expect(page.getByTestId('suspense-error')).toHaveText('faulted')
    await page.unroute(RUNTIME)
    await page.evaluate(() => dispatchEvent(new Event('online')))
    await expect(page.getByTestId('status')).toContainText('ready follower')
    await page.getByRole('button', { name: 'Try again' }).click()
    await expect(page.getByTestId('suspense-status')).toHaveText('completed')
    await page.close()
  })
}

for (const { title, ...way } of WAYS) {
  test(`${title}: a component that selects the status renders for that alone`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage(panel({ ...way, panels: ['select', 'run'] }))
    await expect(page.getByTestId('select-status')).toHaveText('idle')
    const id = await triggerSteps(page, { key, count: 60, gateAt: 1 })
    await server.gate(key).reached()
    await page.getByRole('textbox', { name: 'Run' }).fill(id)
    await expect(page.getByTestId('run-steps')).toHaveText('s-0:completed s-1:running')
    server.gate(key).open()
    await expect(page.getByTestId('select-status')).toHaveText('completed')
    const commits = await page.evaluate(() => window.commits)
    const ofPanel = (name: string) =>
      commits.filter(({ panel, runId, status }) => panel === name && runId && status === 'running')
    // Once for its own state, and once more where StrictMode mounts twice.
    expect(ofPanel('select').length).toBeLessThanOrEqual(2)
    expect(ofPanel('run').length).toBeGreaterThan(2)
    await expectNothingUnhandled(page)
  })
}
