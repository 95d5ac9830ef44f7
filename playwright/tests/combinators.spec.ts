// ACCEPTANCE H4: defineParentJob, sequence, poll.
import { expect, test } from '../support/fixtures.js'
import { ended, ready } from '../support/page.js'
import { childrenOf, retry, statusesOf, stepsOf, trigger, waiting } from '../support/runs.js'

const workOf = (key: string, count: number) => Array.from({ length: count }, (_, n) => ({ key, n }))

test('defineParentJob without finalize: its output and those of its children', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await trigger(page, 'plain-report', { key, work: workOf(key, 3) })
  expect(await ended(page, id)).toMatchObject({
    status: 'completed',
    output: { output: 1, children: [0, 2, 4] },
  })
  expect(await childrenOf(page, id)).toHaveLength(3)
  const failing = { key: `${key}-b`, work: [{ key: `${key}-b`, n: 1, how: 'fails' as const }] }
  const failed = await trigger(page, 'plain-report', failing)
  expect(await ended(page, failed)).toMatchObject({
    status: 'failed',
    error: { name: 'RangeError', message: expect.stringContaining('children[0]') },
  })
  expect(server.witness.count(`${key}/plan`)).toBe(1)
})

for (const job of ['report', 'report-by-job'] as const) {
  test(`${job}: finalize is given input, output and how each child ended, in order`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage()
    const work = [
      { key, n: 0 },
      { key, n: 1, how: 'fails' as const },
      { key, n: 2 },
    ]
    const id = await trigger(page, job, { key, work })
    expect(await ended(page, id)).toMatchObject({
      status: 'completed',
      output: {
        output: job === 'report' ? 1 : 0,
        statuses: ['completed', 'failed', 'completed'],
        times: 1,
      },
    })
    expect(server.witness.count(`${key}/finalize`)).toBe(1)
  })
}

test('a finalize function that throws fails the run; retried, only that is done again', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await trigger(page, 'report', { key, work: workOf(key, 2), failures: 1 })
  expect(await ended(page, id)).toMatchObject({
    status: 'failed',
    error: { name: 'TypeError', message: 'nothing adds up' },
  })
  expect(await retry(page, id)).toMatchObject({ ok: true })
  expect(await ended(page, id)).toMatchObject({ status: 'completed', output: { times: 2 } })
  expect(server.witness.counts(`${key}/`)).toEqual({
    [`${key}/plan`]: 1,
    [`${key}/child/0`]: 1,
    [`${key}/child/1`]: 1,
    [`${key}/finalize`]: 2,
  })
})

test('a finalize job is tried again by its own policy, and its failure is the failure of the run', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const once = await trigger(page, 'report-by-job', { key, work: workOf(key, 2), failures: 1 })
  expect(await ended(page, once)).toMatchObject({
    status: 'completed',
    attempt: 1,
    output: { attempt: 2, times: 1 },
  })
  expect(server.witness.count(`${key}/finalize`)).toBe(1)
  const own = `${key}-b`
  const always = await trigger(page, 'report-by-job', {
    key: own,
    work: workOf(own, 1),
    failures: 9,
  })
  expect(await ended(page, always)).toMatchObject({
    status: 'failed',
    error: { name: 'TypeError', message: expect.stringContaining('nothing adds up') },
  })
})

test('a parent job goes on over a reload while it waits for its children', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ concurrency: 2 })
  const work = [
    { key, n: 0 },
    { key, n: 1, how: 'waits' as const },
  ]
  const id = await trigger(page, 'report', { key, work })
  await server.gate(`${key}-1`).reached()
  // What is in flight at the reload would be done again.
  await expect.poll(() => statusesOf(page, id)).toEqual(['completed', 'running'])
  await page.reload()
  await ready(page)
  await server.gate(`${key}-1`).reached(2)
  server.gate(`${key}-1`).open()
  expect(await ended(page, id)).toMatchObject({
    status: 'completed',
    output: { statuses: ['completed', 'completed'] },
  })
  expect(server.witness.counts(`${key}/`)).toMatchObject({
    [`${key}/plan`]: 1,
    [`${key}/child/0`]: 1,
    [`${key}/finalize`]: 1,
  })
})

test('sequence: each output is the next input; the first failure ends it and names the index', async ({
  openPage,
}) => {
  const page = await openPage()
  const id = await trigger(page, 'pipeline', 5)
  expect(await ended(page, id)).toMatchObject({ status: 'completed', output: 'number 7' })
  expect((await stepsOf(page, id)).size).toBe(3)
  const failed = await trigger(page, 'pipeline', -5)
  expect(await ended(page, failed)).toMatchObject({
    status: 'failed',
    error: { name: 'RangeError', message: expect.stringMatching(/^jobs\[2\].*-3 is negative/) },
  })
  const steps = await stepsOf(page, failed)
  expect([...steps.values()].map(({ status }) => status)).toEqual([
    'completed',
    'completed',
    'failed',
  ])
})

test('poll: until it is done, in one run with waits between; exhaustion is a result', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const second = await trigger(page, 'polling', { key, doneAt: 2 })
  expect(await waiting(page, second, 'sleep')).toMatchObject({ kind: 'sleep' })
  expect(await ended(page, second)).toMatchObject({
    status: 'completed',
    output: { isSuccess: true, output: 2 },
  })
  const steps = await stepsOf(page, second)
  expect(
    [...steps.values()].filter(({ kind }) => kind === 'invoke').map(({ name }) => name),
  ).toEqual(['attempt-1', 'attempt-2'])
  expect([...steps.values()].filter(({ kind }) => kind === 'sleep')).toHaveLength(1)

  const never = await trigger(page, 'polling', { key: `${key}-b`, doneAt: 9 })
  expect(await ended(page, never)).toMatchObject({
    status: 'completed',
    output: { isSuccess: false },
  })
  expect(server.witness.count(`${key}-b/look`)).toBe(3)
  expect(await childrenOf(page, never)).toHaveLength(3)
})

test('poll goes on over a reload, with the attempts that it has left', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await trigger(page, 'polling', { key, doneAt: 3 })
  await waiting(page, id, 'sleep')
  await page.reload()
  await ready(page)
  expect(await ended(page, id)).toMatchObject({ output: { isSuccess: true, output: 3 } })
  expect(server.witness.count(`${key}/look`)).toBe(3)
})
