// ACCEPTANCE C1–C8.
import { UNSTORABLE } from '../pages/unstorable.js'
import { expect, test } from '../support/fixtures.js'
import { ended, eventTypes, runOf, sawEvent } from '../support/page.js'

test('a caught failure is replayed as that error and its step does not run again', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('catching', { key })).id,
    key,
  )
  await server.gate(key).reached()
  await page.evaluate(() => window.killExecutor())
  await server.gate(key).reached(2)
  server.gate(key).open()
  expect(await ended(page, id)).toMatchObject({
    status: 'completed',
    output: 'RangeError: out of range',
  })
  expect(server.witness.counts(`${key}/`)).toEqual({ [`${key}/bad`]: 1, [`${key}/good`]: 2 })
})

test('the same name twice in one execution fails the run, even where the job catches it', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('twice', { key })).id,
    key,
  )
  const run = await ended(page, id)
  expect(run).toMatchObject({
    status: 'failed',
    error: { code: 'duplicate_step', stepName: 'same' },
  })
  expect(run.status === 'failed' && run.error.message).toContain('index')
  expect(server.witness.count(`${key}/same`)).toBe(1)
})

test('the first value of a step equals the replayed one', async ({ openPage, key, server }) => {
  const page = await openPage()
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('seen', { key })).id,
    key,
  )
  await server.gate(key).reached()
  await page.evaluate(() => window.killExecutor())
  await server.gate(key).reached(2)
  server.gate(key).open()
  const run = await ended(page, id)
  expect(run.status).toBe('completed')
  expect(
    await page.evaluate(
      (id) => window.stepwell.getRun(id).then((run) => run?.output === undefined),
      id,
    ),
  ).toBe(true)
  const saw = server.witness.counts(`${key}/saw/`)
  expect(Object.values(saw)).toEqual([2])
  expect(Object.keys(saw)[0]).toContain('undefined|b,a|true|{"b":0,"a":[null,"é')
})

test('a step that returns what JSON cannot carry fails its first execution, naming step and path', async ({
  openPage,
}) => {
  const page = await openPage()
  for (const [kind, path] of Object.entries(UNSTORABLE)) {
    const failed = await page.evaluate(
      (kind) => window.outcome(window.stepwell.triggerAndWait('valued', { kind })),
      kind,
    )
    expect(failed, kind).toMatchObject({
      ok: false,
      code: 'not_serializable',
      stepName: 'make',
      message: expect.stringContaining('make'),
    })
    expect(!failed.ok && failed.message, kind).toContain(`${path} is`)
  }
})

test('parallel steps have distinct indices in the order in which they end, and their logs name the right step', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('parallel', { key })).id,
    key,
  )
  for (const name of ['a', 'b', 'c']) await server.gate(`${key}-${name}`).reached()
  for (const [i, name] of ['c', 'a', 'b'].entries()) {
    server.gate(`${key}-${name}`).open()
    await page.waitForFunction(
      (count) => window.events.filter(({ type }) => type === 'step:complete').length === count,
      i + 1,
    )
  }
  expect(await ended(page, id)).toMatchObject({ status: 'completed', output: ['a', 'b', 'c'] })
  const steps = await page.evaluate((id) => window.stepwell.getSteps(id, { outputs: true }), id)
  expect(steps.map(({ name, completedIndex, output }) => [name, completedIndex, output])).toEqual([
    ['c', 0, 'c'],
    ['a', 1, 'a'],
    ['b', 2, 'b'],
  ])
  const { logs } = await page.evaluate((id) => window.stepwell.getLogs(id), id)
  expect(logs.length).toBe(6)
  for (const { stepName, message } of logs)
    expect(message).toMatch(new RegExp(`^${stepName} (begins|ends)$`))
})

test('a step:complete event is told after its commit, and steps stay after the end', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const stored = await page.evaluate(async (key) => {
    const found: (readonly [string, number])[] = []
    const reads: Promise<void>[] = []
    window.stepwell.on('step:complete', ({ runId, stepName, completedIndex }) => {
      reads.push(
        window.stepwell.getSteps(runId).then((steps) => {
          const step = steps.find(({ name }) => name === stepName)
          if (step?.status === 'completed') found.push([stepName, completedIndex])
        }),
      )
    })
    const { id } = await window.stepwell.trigger('steps', { key, count: 4 })
    await window.stepwell.waitForRun(id)
    await Promise.all(reads)
    return { found, id }
  }, key)
  expect(stored.found).toEqual([
    ['s-0', 0],
    ['s-1', 1],
    ['s-2', 2],
    ['s-3', 3],
  ])
  const run = await runOf(page, stored.id)
  expect(run).toMatchObject({ stepCount: 4, status: 'completed' })
  expect(await page.evaluate((id) => window.stepwell.getSteps(id), stored.id)).toHaveLength(4)
})

test("a failed step stores its error and attempt, and the run's failure names it", async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('flaky', { key, failures: 9 })).id,
    key,
  )
  expect(await ended(page, id)).toMatchObject({
    status: 'failed',
    error: {
      name: 'TypeError',
      message: 'failure 1',
      code: 'error',
      attempt: 1,
      stepName: 'shaky',
      stack: expect.stringContaining('failure 1'),
    },
  })
  const steps = await page.evaluate((id) => window.stepwell.getSteps(id), id)
  expect(steps.map(({ name, status, attempt }) => ({ name, status, attempt }))).toEqual([
    { name: 'first', status: 'completed', attempt: 1 },
    { name: 'shaky', status: 'failed', attempt: 1 },
  ])
  expect(steps[1]?.error).toMatchObject({ name: 'TypeError', message: 'failure 1', code: 'error' })
  await sawEvent(page, id, 'run:fail')
  expect((await eventTypes(page, id)).slice(-2)).toEqual(['step:fail', 'run:fail'])
})

test('a step is told its signal, attempt and idempotency key', async ({ openPage, key }) => {
  const page = await openPage()
  const { id, output } = await page.evaluate(
    (key) => window.stepwell.triggerAndWait('described', { key }),
    key,
  )
  expect(output).toEqual({ runId: id, attempt: 1, idempotencyKey: `${id}:look`, isAborted: false })
})
