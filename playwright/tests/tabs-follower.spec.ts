// ACCEPTANCE J2: a second tab is a full citizen.
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import {
  ended,
  eventTypes,
  expectNothingUnhandled,
  runOf,
  sawEvent,
  triggerSteps,
} from '../support/page.js'
import { panel, region, status, trigger as triggerByHook } from '../support/panels.js'
import { cancel, deleteRun, retry, signal, trigger, waiting } from '../support/runs.js'
import { epochOf, follows, leads, twoTabs } from '../support/tabs.js'
import { exported, imported, sqlite3 } from '../support/transfers.js'

const STRANGER = '01900000-0000-7000-8000-000000000000'

/** What a page reads of a run, in all ways that there are. */
const readAll = (page: Page, id: string) =>
  page.evaluate(async (id) => {
    const { stepwell } = window
    return {
      run: await stepwell.getRun(id),
      runs: await stepwell.getRuns({ limit: 2 }),
      steps: await stepwell.getSteps(id, { outputs: true }),
      logs: await stepwell.getLogs(id),
      warnings: await stepwell.getLogs(id, { level: 'warn', order: 'desc' }),
    }
  }, id)

test('a run that a follower triggers runs in the leader, and both tabs are told the same', async ({
  openPage,
  key,
  server,
}) => {
  const [leader, follower] = await twoTabs(openPage)
  const id = await triggerSteps(follower, { key, count: 3, gateAt: 1 })
  await server.gate(key).reached()
  await sawEvent(follower, id, 'step:complete')
  server.gate(key).open()
  expect(await ended(follower, id)).toMatchObject({
    status: 'completed',
    output: { values: [0, 1, 2] },
  })
  for (const page of [leader, follower]) await sawEvent(page, id, 'run:complete')
  expect(await eventTypes(follower, id)).toEqual(await eventTypes(leader, id))
  expect(server.witness.counts(`${key}/`)).toEqual({
    [`${key}/s-0`]: 1,
    [`${key}/s-1`]: 1,
    [`${key}/s-2`]: 1,
  })
  // No engine and no executor of its own.
  expect(follower.workers()).toEqual([])
  expect(await follower.evaluate(() => window.stepwell.status)).toMatchObject({
    state: 'ready',
    role: 'follower',
    storage: 'best-effort',
    epoch: await epochOf(leader),
    error: null,
  })
  await expectNothingUnhandled(follower)
})

test('a follower reads what the leader reads', async ({ openPage, key }) => {
  const [leader, follower] = await twoTabs(openPage)
  const id = await trigger(follower, 'logging', { key, lines: 30 })
  await follower.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 2 }))
  await ended(follower, id)
  const read = await readAll(follower, id)
  expect(read).toEqual(await readAll(leader, id))
  expect(read.logs.logs).toHaveLength(36)
  expect(read.runs.runs).toHaveLength(2)
})

test('a follower watches: subscribe, waitForRun with its log and progress', async ({
  openPage,
  key,
  server,
}) => {
  const [, follower] = await twoTabs(openPage, { concurrency: 2 })
  const told = await follower.evaluate(async (key) => {
    const { stepwell } = window
    const { id } = await stepwell.trigger('progressing', { key, times: 5, gated: true })
    const seen: string[] = []
    const watching = (async () => {
      for await (const update of stepwell.subscribe(id)) seen.push(update.type)
    })()
    const progress: number[] = []
    const waiting = stepwell.waitForRun(id, {
      onProgress: ({ current }) => {
        progress.push(current)
        // Only what was told before the end can open the gate.
        if (progress.length === 1) void fetch(`/gate/${key}/open`, { method: 'POST' })
      },
    })
    await Promise.all([watching, waiting])
    const lines: string[] = []
    // What the run says before it is waited for is not told: both slots are taken until then.
    const held = [`${key}-x`, `${key}-y`]
    for (const key of held) await stepwell.trigger('steps', { key, count: 1, gateAt: 0 })
    const { id: chatty } = await stepwell.trigger('chatty', { key, lines: 3 })
    const end = stepwell.waitForRun(chatty, { onLog: ({ message }) => lines.push(message) })
    for (const key of held) void fetch(`/gate/${key}/open`, { method: 'POST' })
    await end
    return { seen, progress, lines }
  }, key)
  expect(told.seen[0]).toBe('snapshot')
  expect(told.seen).toContain('run:progress')
  expect(told.seen.at(-1)).toBe('run:complete')
  expect(told.progress.at(-1)).toBe(5)
  expect(told.lines).toEqual(['one 0', 'one 1', 'one 2', 'two 0', 'two 1', 'two 2'])
  expect(server.gate(key).arrivals()).toBe(2)
})

test('a follower triggers in batches, by keys, and waits for outputs', async ({ openPage }) => {
  const [leader, follower] = await twoTabs(openPage)
  const results = await follower.evaluate(async () => {
    const { stepwell } = window
    const batch = await stepwell.batchTrigger('quick', [
      { input: { count: 1 } },
      { input: { count: 2 }, labels: { n: 'two' } },
    ])
    const first = await stepwell.trigger('quick', { count: 3 }, { idempotencyKey: 'once' })
    const again = await stepwell.trigger('quick', { count: 4 }, { idempotencyKey: 'once' })
    const { output } = await stepwell.triggerAndWait('quick', { count: 4 })
    return { batch: batch.map(({ id }) => id), first, again, output }
  })
  expect(results.again).toMatchObject({ id: results.first.id, disposition: 'idempotent' })
  expect(results.output).toBe(6)
  const seen = await leader.evaluate(() => window.stepwell.getRuns())
  expect(seen.runs.map(({ id }) => id)).toEqual(expect.arrayContaining(results.batch))
  expect(seen.runs).toHaveLength(4)
  expect(seen.runs.find(({ id }) => id === results.batch[1])?.labels).toEqual({ n: 'two' })
})

test('a follower cancels, retries, retriggers, signals, deletes and purges', async ({
  openPage,
  key,
  server,
}) => {
  const [leader, follower] = await twoTabs(openPage, { concurrency: 3 })
  const gated = await triggerSteps(leader, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  expect(await cancel(follower, gated)).toMatchObject({ ok: true, value: { status: 'cancelled' } })
  expect(await runOf(leader, gated)).toMatchObject({ status: 'cancelled' })
  server.gate(key).open()
  expect(await retry(follower, gated)).toMatchObject({ ok: true, value: { status: 'pending' } })
  expect(await ended(follower, gated)).toMatchObject({ status: 'completed', attempt: 2 })

  const fresh = await follower.evaluate(
    async (id) => (await window.stepwell.retrigger(id)).id,
    gated,
  )
  expect(await ended(follower, fresh)).toMatchObject({ status: 'completed', attempt: 1 })

  const asking = await trigger(follower, 'approval', { key: `${key}-b` })
  const wait = await waiting(follower, asking)
  expect(wait).toMatchObject({ kind: 'signal', key: `${asking}:approved` })
  expect(await signal(follower, `${asking}:approved`, { by: 'me' })).toBe('delivered')
  expect(await ended(leader, asking)).toMatchObject({ output: { received: true } })

  expect(await deleteRun(follower, fresh)).toMatchObject({ ok: true })
  expect(await runOf(leader, fresh)).toBeNull()
  await sawEvent(leader, fresh, 'run:delete')
  const purged = await follower.evaluate(() => window.stepwell.purgeRuns({ olderThan: 1 }))
  expect(purged).toBe(2)
  expect(await leader.evaluate(() => window.stepwell.getRuns())).toMatchObject({ runs: [] })
})

test('what a follower asks in vain is refused with the code that the leader gets', async ({
  openPage,
  key,
}) => {
  const [leader, follower] = await twoTabs(openPage)
  const done = await triggerSteps(follower, { key, count: 1 })
  await ended(follower, done)
  const ask = (page: Page) =>
    page.evaluate(
      async ({ done, stranger }) => {
        const { stepwell, outcome } = window
        const outcomes = await Promise.all([
          outcome(stepwell.cancel(done)),
          outcome(stepwell.retry(stranger)),
          outcome(stepwell.waitForRun(stranger)),
          outcome(stepwell.getRuns({ limit: 0 })),
          outcome(window.start('parsed', { name: 'x' }, {})),
          outcome(stepwell.getRun(stranger)),
        ])
        return outcomes.map((each) => (each.ok ? each.value : [each.code, each.message]))
      },
      { done, stranger: STRANGER },
    )
  const refusals = await ask(follower)
  expect(refusals).toEqual(await ask(leader))
  expect(refusals.map((each) => (Array.isArray(each) ? each[0] : each))).toEqual([
    'already_terminal',
    'not_found',
    'not_found',
    'invalid_input',
    'invalid_input',
    null,
  ])
  expect((await leader.evaluate(() => window.stepwell.getRuns())).runs).toHaveLength(1)
})

test('Files and Blobs go from a follower to the job, and from the job to the follower', async ({
  openPage,
  key,
  server,
}) => {
  const [leader, follower] = await twoTabs(openPage)
  const id = await follower.evaluate(async (key) => {
    const file = new File(['hello'], 'é.txt', { type: 'text/plain', lastModified: 12345 })
    const blob = new Blob(['{}'], { type: 'application/json' })
    const list = [Uint8Array.of(0, 35, 255), Uint8Array.of(7, 8).buffer]
    return (await window.stepwell.trigger('kept', { key, file, blob, list })).id
  }, key)
  server.gate(key).open()
  await ended(follower, id)
  const described = (page: Page) =>
    page.evaluate(async (id) => {
      const run = await window.stepwell.getRun(id)
      const [made] = await window.stepwell.getSteps(id, { outputs: true })
      return [
        await window.describe(run?.input),
        await window.describe(run?.output),
        await window.describe(made?.output),
      ]
    }, id)
  const seen = await described(follower)
  expect(seen[0]).toContain('file:File(é.txt,text/plain,12345,hello)')
  expect(seen[0]).toContain('list:[bytes(0,35,255),buffer(7,8)]')
  expect(seen[1]).toContain('copy:File(copy.txt,text/x-copy,5,heé)')
  expect(seen[2]).toContain('png:Blob(image/png,')
  expect(seen).toEqual(await described(leader))
})

test('a follower exports; what it imports takes the place of the database for every tab', async ({
  openPage,
  key,
}) => {
  const [leader, follower] = await twoTabs(openPage)
  const old = await triggerSteps(follower, { key, count: 2 })
  await ended(follower, old)
  const file = await exported(follower)
  expect(sqlite3(file, 'PRAGMA integrity_check')).toBe('ok')
  expect(sqlite3(file, 'SELECT id FROM stepwell_runs')).toBe(old)

  const gone = await triggerSteps(leader, { key, count: 1 })
  await ended(leader, gone)
  const epoch = await epochOf(leader)
  expect(await imported(follower, file)).toEqual({ ok: true, value: undefined })
  for (const page of [follower, leader]) {
    expect(await runOf(page, gone)).toBeNull()
    expect(await runOf(page, old)).toMatchObject({ status: 'completed' })
    expect(await epochOf(page)).toBeGreaterThan(epoch)
  }
  await leads(leader)
  await follows(follower)
  const bad = await imported(follower, Buffer.from('no database'))
  expect(bad).toMatchObject({ ok: false, code: expect.stringMatching(/invalid_input|corrupt/) })
  expect(await runOf(follower, old)).toMatchObject({ status: 'completed' })
})

test('hooks in a follower: its own run, a run of the leader, the list of all, its status', async ({
  openPage,
  key,
  server,
}) => {
  const [leader, follower] = await twoTabs(
    openPage,
    panel({ panels: ['job', 'runs'], more: { follow: '1' } }),
  )
  await expect(follower.getByTestId('status')).toHaveText('ready follower best-effort')
  await expect(status(follower)).toHaveText('idle')
  await triggerByHook(follower, { key, count: 3, gateAt: 1 })
  await server.gate(key).reached()
  for (const page of [leader, follower]) {
    await expect(status(page)).toHaveText('running')
    await expect(page.getByTestId('job-steps')).toHaveText('s-0:completed s-1:running')
  }
  server.gate(key).open()
  for (const page of [leader, follower]) {
    await expect(status(page)).toHaveText('completed')
    await expect(page.getByTestId('job-output')).toHaveText('{"values":[0,1,2]}')
  }
  await region(leader, 'job').getByRole('button', { name: 'Retrigger' }).click()
  for (const page of [leader, follower]) {
    await expect(page.getByTestId('runs').locator('li')).toHaveText([
      /steps completed/,
      /steps completed/,
    ])
    await expect(page.getByTestId('runs-state')).toHaveText(/^ready 2 /)
  }
  const { runs } = await leader.evaluate(() => window.stepwell.getRuns({ limit: 1 }))
  for (const page of [leader, follower]) {
    await expect(page.getByTestId('job-run')).toHaveText(runs[0]?.id ?? 'no run')
  }
})
