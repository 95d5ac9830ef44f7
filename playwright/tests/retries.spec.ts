// ACCEPTANCE F1, F2, F4: policies of steps and jobs.
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { ended, eventTypes, ready, runOf } from '../support/page.js'
import {
  cancel,
  eventsOf,
  passThroughASlot,
  retry,
  stepsOf,
  trigger,
  untilOf,
  waiting,
} from '../support/runs.js'

/** The delays that the engine took, in order, and whether an attempt was made before its time. */
async function stepDelays(page: Page, runId: string) {
  const retries = await eventsOf(page, runId, 'step:retry')
  const starts = (await eventsOf(page, runId, 'step:start')).filter(({ attempt }) => attempt > 1)
  return {
    delays: retries.map(({ until, timestamp }) => until - timestamp),
    early: starts.filter(({ timestamp }, i) => timestamp < (retries[i]?.until ?? 0)),
  }
}

for (const executor of ['worker', 'page'] as const) {
  test(`a step is tried again after delays by its policy, and then goes on: jobs in the ${executor}`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage({ executor })
    const policy = { maxAttempts: 4, initialDelay: 40, factor: 3, maxDelay: 200, jitter: 0 }
    const id = await trigger(page, 'shaky-step', { key, failures: 3, retry: policy })
    expect(await ended(page, id)).toMatchObject({
      status: 'completed',
      attempt: 1,
      output: { made: { attempt: 4, times: 4 }, runAttempt: 1 },
    })
    const { delays, early } = await stepDelays(page, id)
    expect(delays).toEqual([40, 120, 200])
    expect(early).toEqual([])
    expect(server.witness.counts(`${key}/`)).toEqual({
      [`${key}/first`]: 1,
      [`${key}/shaky`]: 4,
      [`${key}/last`]: 1,
    })
    expect((await stepsOf(page, id)).get('shaky')).toMatchObject({
      status: 'completed',
      attempt: 4,
    })
  })
}

test('jitter keeps each delay within its part of the formula', async ({ openPage, key }) => {
  const page = await openPage()
  const policy = { maxAttempts: 6, initialDelay: 100, factor: 1, jitter: 0.5 }
  const ids = await Promise.all(
    ['a', 'b', 'c'].map((name) =>
      trigger(page, 'shaky-step', { key: `${key}-${name}`, failures: 5, retry: policy }),
    ),
  )
  const delays: number[] = []
  for (const id of ids) {
    expect(await ended(page, id)).toMatchObject({ status: 'completed' })
    delays.push(...(await stepDelays(page, id)).delays)
  }
  expect(delays).toHaveLength(15)
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(50)
  expect(Math.max(...delays)).toBeLessThanOrEqual(150)
  expect(new Set(delays).size).toBeGreaterThan(1)
})

test('the last attempt of a step is final, and its failure is told with its causes', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const retryPolicy = { maxAttempts: 2, initialDelay: 10 }
  const id = await trigger(page, 'shaky-step', { key, failures: 9, retry: retryPolicy })
  const error = {
    name: 'TypeError',
    message: 'failure 2',
    code: 'error',
    attempt: 2,
    stepName: 'shaky',
    causes: [
      { name: 'RangeError', message: 'too far' },
      { name: 'Error', message: 'a word' },
    ],
    stack: expect.stringContaining('failure 2'),
  }
  expect(await ended(page, id)).toMatchObject({ status: 'failed', error })
  expect((await stepsOf(page, id)).get('shaky')).toMatchObject({
    status: 'failed',
    attempt: 2,
    error,
  })
  expect(server.witness.count(`${key}/shaky`)).toBe(2)
  // Retried by hand, it has a fresh budget, and its attempts are counted on.
  expect(await retry(page, id)).toMatchObject({ ok: true })
  expect(await ended(page, id)).toMatchObject({
    status: 'failed',
    error: { message: 'failure 4', attempt: 4 },
  })
  expect(server.witness.counts(`${key}/`)).toEqual({ [`${key}/first`]: 1, [`${key}/shaky`]: 4 })
})

test('a job is tried again by its own policy: its step has its own, and what was completed survives', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const policy = { maxAttempts: 2, initialDelay: 10, jitter: 0 }
  const id = await trigger(page, 'shaky-job', { key, failures: 4, retry: policy })
  const run = await ended(page, id)
  expect(run).toMatchObject({
    status: 'completed',
    attempt: 3,
    retry: { maxAttempts: 3, initialDelayMs: 200, factor: 3, maxDelayMs: 500, jitter: 0 },
    output: { made: { attempt: 5, times: 5 }, runAttempt: 3 },
  })
  const waits = (await eventsOf(page, id, 'run:wait')).flatMap(({ waitingFor, timestamp }) =>
    waitingFor.kind === 'retry' && waitingFor.stepName === null
      ? [{ delay: waitingFor.until - timestamp, attempt: waitingFor.attempt }]
      : [],
  )
  expect(waits).toEqual([
    { delay: 200, attempt: 2 },
    { delay: 500, attempt: 3 },
  ])
  expect(server.witness.counts(`${key}/`)).toEqual({
    [`${key}/first`]: 1,
    [`${key}/shaky`]: 5,
    [`${key}/last`]: 1,
  })
})

test('without a policy nothing is tried again', async ({ openPage, key, server }) => {
  const page = await openPage()
  const id = await trigger(page, 'shaky-step', { key, failures: 1 })
  expect(await ended(page, id)).toMatchObject({
    status: 'failed',
    attempt: 1,
    retry: { maxAttempts: 1 },
  })
  expect(server.witness.count(`${key}/shaky`)).toBe(1)
})

for (const [how, error] of [
  ['final', { name: 'NonRetryableError', message: 'failure 1', code: 'error' }],
  ['unstorable', { code: 'not_serializable' }],
] as const) {
  test(`neither step nor job is tried again after a failure that is ${how}`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage()
    const policy = { maxAttempts: 3, initialDelay: 10 }
    const id = await trigger(page, 'shaky-job', { key, failures: 9, how, retry: policy })
    expect(await ended(page, id)).toMatchObject({ status: 'failed', attempt: 1, error })
    expect(server.witness.count(`${key}/shaky`)).toBe(1)
    expect(await eventTypes(page, id)).not.toContain('run:wait')
  })
}

test('a RetryAfterError says when the next attempt is made', async ({ openPage, key }) => {
  const page = await openPage()
  const policy = { maxAttempts: 2, initialDelay: '1h', maxDelay: '1h' } as const
  const input = { failures: 1, how: 'after', retry: policy } as const
  const after = await trigger(page, 'shaky-step', { ...input, key: `${key}-a`, after: 321 })
  expect(await ended(page, after)).toMatchObject({ status: 'completed' })
  expect(await stepDelays(page, after)).toEqual({ delays: [321], early: [] })
  const at = Date.now() + 3_000
  const until = await trigger(page, 'shaky-step', { ...input, key: `${key}-b`, after: at })
  const wait = await waiting(page, until, 'retry')
  expect(Math.abs(untilOf(wait) - at)).toBeLessThan(1_000)
  expect(await ended(page, until)).toMatchObject({ status: 'completed' })
  const once = { ...input, key: `${key}-c`, after: 321, retry: { maxAttempts: 1 } }
  const final = await trigger(page, 'shaky-step', once)
  expect(await ended(page, final)).toMatchObject({
    status: 'failed',
    error: { name: 'RetryAfterError' },
  })
})

test('a wait for the next attempt survives a reload and does not start over', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const policy = { maxAttempts: 2, initialDelay: 5_000, jitter: 0 }
  const id = await trigger(page, 'shaky-step', { key, failures: 1, retry: policy })
  const before = await waiting(page, id, 'retry')
  expect(before).toMatchObject({
    stepName: 'shaky',
    attempt: 2,
    error: { name: 'TypeError', message: 'failure 1', attempt: 1, stepName: 'shaky' },
  })
  await page.reload()
  await ready(page)
  expect(await waiting(page, id)).toEqual(before)
  expect(await ended(page, id)).toMatchObject({
    status: 'completed',
    output: { made: { attempt: 2 } },
  })
  const [start] = (await eventsOf(page, id, 'step:start')).filter(
    ({ stepName }) => stepName === 'shaky',
  )
  expect(start).toMatchObject({ attempt: 2 })
  expect(start?.timestamp).toBeGreaterThanOrEqual(untilOf(before))
  expect(server.witness.count(`${key}/first`)).toBe(1)
})

test('runs that wait for their next attempt hold no slot, and can be cancelled', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ concurrency: 1 })
  const policy = { maxAttempts: 2, initialDelay: '1h', maxDelay: '1h' } as const
  const byStep = await trigger(page, 'shaky-step', { key: `${key}-a`, failures: 1, retry: policy })
  const byJob = await trigger(page, 'patient-job', { key: `${key}-b`, failures: 1 })
  await waiting(page, byStep, 'retry')
  expect(await waiting(page, byJob, 'retry')).toMatchObject({
    stepName: null,
    attempt: 2,
    error: { message: 'failure 1', stepName: 'shaky' },
  })
  await passThroughASlot(page)
  for (const id of [byStep, byJob]) {
    expect(await runOf(page, id)).toMatchObject({ status: 'waiting', completedAt: null })
    expect(await cancel(page, id)).toMatchObject({ ok: true, value: { status: 'cancelled' } })
    expect(await cancel(page, id)).toMatchObject({ ok: false, code: 'already_terminal' })
  }
  await passThroughASlot(page)
  expect(server.witness.count(`${key}-a/shaky`)).toBe(1)
  expect(server.witness.count(`${key}-b/shaky`)).toBe(1)
})

test('a run keeps the policy that it was triggered with, over a reload', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const id = await trigger(page, 'patient-job', { key, failures: 1 })
  const before = await waiting(page, id, 'retry')
  await page.reload()
  await ready(page)
  expect(await runOf(page, id)).toMatchObject({
    status: 'waiting',
    attempt: 2,
    retry: { maxAttempts: 2, initialDelayMs: 3_600_000 },
    waitingFor: before,
  })
  await cancel(page, id)
})
