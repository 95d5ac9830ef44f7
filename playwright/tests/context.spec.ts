// `step.context`: what the page gives to jobs, past the engine.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { ended } from '../support/page.js'

/** What the option `context` of the page gives from now on. */
function sign(page: Page, key: string, token: string): Promise<void> {
  return page.evaluate(([key, token]) => localStorage.setItem(key, token), [key, token] as const)
}

function setContext(page: Page, context: unknown): Promise<void> {
  return page.evaluate((context) => window.stepwell.setContext(context), context)
}

function trigger(page: Page, key: string, marker = ''): Promise<string> {
  return page.evaluate(async (input) => (await window.stepwell.trigger('contextual', input)).id, {
    key,
    marker,
  })
}

for (const executor of ['worker', 'page'] as const) {
  test(`a job in a ${executor} gets what the page gives, and sees changes while it runs`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage({ executor, stepContext: 'stored' })
    await sign(page, key, 'first')
    const id = await trigger(page, key)
    await server.gate(key).reached()
    await setContext(page, { token: 'second' })
    server.gate(key).open()
    expect(await ended(page, id)).toMatchObject({ status: 'completed' })
    expect(server.witness.counts(`${key}/`)).toEqual({
      [`${key}/before/first`]: 1,
      [`${key}/after/second`]: 1,
      [`${key}/end/second`]: 1,
    })
  })
}

test('without the option, a run that is triggered after setContext gets that, in each of several workers', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ executors: 2 })
  await setContext(page, { token: 'early' })
  const keys = [`${key}-x`, `${key}-y`]
  const ids: string[] = []
  for (const key of keys) ids.push(await trigger(page, key))
  for (const key of keys) await server.gate(key).reached()
  await setContext(page, { token: 'late' })
  for (const key of keys) server.gate(key).open()
  for (const id of ids) expect(await ended(page, id)).toMatchObject({ status: 'completed' })
  for (const key of keys) {
    expect(server.witness.counts(`${key}/`)).toEqual({
      [`${key}/before/early`]: 1,
      [`${key}/after/late`]: 1,
      [`${key}/end/late`]: 1,
    })
  }
})

test('a run that resumes after a reload, or in another worker, gets the value of then', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ stepContext: 'stored' })
  await sign(page, key, 'first')
  const id = await trigger(page, key)
  await server.gate(key).reached()
  await sign(page, key, 'second')
  await page.reload()
  await page.evaluate(() => window.stepwell.getRuns())
  await server.gate(key).reached(2)
  await sign(page, key, 'third')
  await page.evaluate(() => window.killExecutor())
  await server.gate(key).reached(3)
  server.gate(key).open()
  expect(await ended(page, id)).toMatchObject({ status: 'completed' })
  expect(server.witness.counts(`${key}/`)).toEqual({
    [`${key}/before/first`]: 1,
    [`${key}/before/second`]: 1,
    [`${key}/before/third`]: 1,
    [`${key}/after/third`]: 1,
    [`${key}/end/third`]: 1,
  })
})

test('a context function that throws fails the run, which says so; retry goes on once it works', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ stepContext: 'stored' })
  const id = await trigger(page, key)
  const run = await ended(page, id)
  expect(run).toMatchObject({
    status: 'failed',
    stepCount: 0,
    error: { name: 'ContextError', code: 'error', attempt: 1 },
  })
  expect(run.status === 'failed' && run.error.message).toMatch(
    /option context of createStepwell threw: TypeError: nobody is signed in/,
  )
  await sign(page, key, 'now')
  await page.evaluate((id) => window.stepwell.retry(id), id)
  server.gate(key).open()
  expect(await ended(page, id)).toMatchObject({ status: 'completed', attempt: 2 })
  expect(server.witness.count(`${key}/end/now`)).toBe(1)
})

test('what cannot be sent to a worker is not_serializable, where it comes from', async ({
  openPage,
  key,
}) => {
  const page = await openPage({ stepContext: 'uncloneable' })
  const refused = await page.evaluate(() =>
    window.outcome(Promise.resolve().then(() => window.stepwell.setContext({ on: document.body }))),
  )
  expect(refused).toMatchObject({ ok: false, code: 'not_serializable' })
  expect(!refused.ok && refused.message).toMatch(/given to setContext .* context\.on is an object/)
  const run = await ended(page, await trigger(page, key))
  expect(run).toMatchObject({ status: 'failed', error: { code: 'not_serializable' } })
  expect(run.status === 'failed' && run.error.message).toContain('context.token is a function')
})

test('the context is nowhere in the export, the files of the database, the logs and the run', async ({
  launchBrowser,
  openPage,
  profile,
  key,
  server,
}) => {
  const secrets = ['given', 'set'].map((name) => `secret-${name}-${crypto.randomUUID()}`)
  const [given = '', set = ''] = secrets
  const marker = `marker-${crypto.randomUUID()}`
  const context = await launchBrowser(profile)
  const page = await openPage({ context, stepContext: 'stored', executors: 2 })
  await sign(page, key, given)
  const id = await trigger(page, key, marker)
  await server.gate(key).reached()
  await setContext(page, { token: set })
  server.gate(key).open()
  await ended(page, id)
  expect(server.witness.count(`${key}/before/${given}`)).toBe(1)
  expect(server.witness.count(`${key}/after/${set}`)).toBe(1)

  const told = await page.evaluate(
    async (id) =>
      JSON.stringify([
        await window.stepwell.getRun(id),
        await window.stepwell.getSteps(id, { outputs: true }),
        await window.stepwell.getLogs(id),
        window.events,
      ]),
    id,
  )
  const exported = await page.evaluate(async () => {
    const bytes = await window.stepwell.exportDatabase({ blobs: true })
    return new TextDecoder('latin1').decode(bytes)
  })
  await page.evaluate(() => window.stepwell.close())
  await context.close()
  const files = filesOf(path.join(profile, 'Default', 'File System'))
  // What is stored is found: so what is not found is not stored.
  for (const stored of [marker, 'has used its context']) {
    for (const text of [told, exported]) expect(text.includes(stored)).toBe(true)
    expect(holds(files, stored)).toBe(true)
  }
  for (const secret of secrets) {
    for (const text of [told, exported]) expect(text.includes(secret)).toBe(false)
    expect(holds(files, secret)).toBe(false)
  }
})

function filesOf(folder: string): Buffer[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(path.join(entry.parentPath, entry.name)))
}

function holds(files: readonly Buffer[], text: string): boolean {
  const forms = [Buffer.from(text, 'utf8'), Buffer.from(text, 'utf16le')]
  return files.some((file) => forms.some((form) => file.includes(form)))
}
