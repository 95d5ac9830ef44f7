// What a page loads at once, what it loads when it needs it, and what it says where that is not there.
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { openWithout, PAGE_EXECUTOR, RUNTIME } from '../support/page-code.js'
import { panel, status, trigger } from '../support/panels.js'

/** The scripts that the page asks for from now on. */
function scriptsOf(page: Page): string[] {
  const scripts: string[] = []
  page.on('request', (request) => scripts.push(request.url()))
  return scripts
}

const once = { key: 'lazy', count: 1 }

test('a client that nobody uses loads nothing; the first call loads and connects it', async ({
  sharedContext,
  address,
}) => {
  const page = await sharedContext.newPage()
  const scripts = scriptsOf(page)
  await page.goto(address({ page: 'quiet.html' }), { waitUntil: 'networkidle' })
  expect(scripts.filter((url) => RUNTIME.test(url))).toEqual([])
  expect(await page.evaluate(() => window.stepwell.status.state)).toBe('connecting')
  const { output } = await page.evaluate(
    (input) => window.stepwell.triggerAndWait('steps', input),
    once,
  )
  expect(output.values).toHaveLength(1)
  expect(scripts.filter((url) => RUNTIME.test(url))).toHaveLength(1)
  expect(scripts.filter((url) => PAGE_EXECUTOR.test(url))).toEqual([])
  await page.close()
})

test('calls of the first moment are carried out in their order, and events of them are told', async ({
  openPage,
}) => {
  const page = await openPage({ page: 'quiet.html' })
  const told = await page.evaluate(async (input) => {
    const types: string[] = []
    const { stepwell } = window
    stepwell.on('run:trigger', ({ runId }) => types.push(runId))
    const triggered = await Promise.all([0, 1, 2].map(() => stepwell.trigger('steps', input)))
    const ids = triggered.map(({ id }) => id)
    await Promise.all(ids.map((id) => stepwell.waitForRun(id)))
    return { types, ids }
  }, once)
  expect(told.types).toEqual(told.ids)
  expect(told.ids).toEqual([...told.ids].sort())
})

test('without the code that connects, calls and the status say so, and a later call tries again', async ({
  sharedContext,
  address,
}) => {
  const page = await openWithout(sharedContext, RUNTIME, address({ page: 'quiet.html' }))
  const refused = await page.evaluate(async () => {
    const heard: string[] = []
    window.stepwell.on('engine:error', ({ error }) => heard.push(error.code))
    const reason = await window.stepwell.getRun('run-1').catch((error) => error)
    const { state, error } = window.stepwell.status
    return { heard, code: reason.code, message: reason.message, state, isTold: error === reason }
  })
  expect(refused).toMatchObject({ heard: ['faulted'], code: 'faulted', state: 'unavailable' })
  expect(refused.isTold).toBe(true)
  expect(refused.message).toMatch(/could not be loaded.*Reload the page/)
  await page.unroute(RUNTIME)
  const later = await page.evaluate(async (input) => {
    const { id } = await window.stepwell.trigger('steps', input)
    const { error } = window.stepwell.status
    return { ended: (await window.stepwell.waitForRun(id)).status, error }
  }, once)
  expect(later).toEqual({ ended: 'completed', error: null })
  await page.close()
})

test('without the code that connects, hooks are unavailable, and a click tries again', async ({
  sharedContext,
  address,
}) => {
  const page = await openWithout(sharedContext, RUNTIME, address(panel({})))
  await expect(status(page)).toHaveText('unavailable')
  await page.unroute(RUNTIME)
  await trigger(page, once)
  await expect(status(page)).toHaveText('completed')
  await page.close()
})

test('without the code that runs jobs in the page, the status says so, and it is tried again', async ({
  sharedContext,
  address,
}) => {
  const page = await openWithout(sharedContext, PAGE_EXECUTOR, address({ executor: 'page' }))
  const runId = await page.evaluate(
    async (input) => (await window.stepwell.trigger('steps', input)).id,
    once,
  )
  await page.waitForFunction(() => window.stepwell.status.error !== null)
  const error = await page.evaluate(() => {
    const { code, message } = window.stepwell.status.error ?? {}
    return { code, message }
  })
  expect(error.code).toBe('faulted')
  expect(error.message).toMatch(/runs jobs in this page could not be loaded.*Reload the page/)
  await page.unroute(PAGE_EXECUTOR)
  const ended = await page.evaluate((id) => window.stepwell.waitForRun(id), runId)
  expect(ended.status).toBe('completed')
  await page.waitForFunction(() => window.stepwell.status.error === null)
  await page.close()
})
