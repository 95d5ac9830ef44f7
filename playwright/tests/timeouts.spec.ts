// ACCEPTANCE F3: attempts that take too long.
import { expect, test } from '../support/fixtures.js'
import { ended, runOf, triggerSteps } from '../support/page.js'
import { eventsOf, passThroughASlot, stepsOf, trigger } from '../support/runs.js'

const TIMEOUT = 300

for (const executor of ['worker', 'page'] as const) {
  test(`a step that takes too long is told by its signal, and fails with timeout: jobs in the ${executor}`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage({ executor })
    const input = { key, how: 'minds', timeout: TIMEOUT, maxAttempts: 1 } as const
    const id = await trigger(page, 'slow-step', input)
    const error = { code: 'timeout', stepName: 'slow', attempt: 1 }
    expect(await ended(page, id)).toMatchObject({ status: 'failed', error })
    const run = await runOf(page, id)
    expect(run?.status === 'failed' && run.error.message).toContain(`${TIMEOUT} ms`)
    expect((await stepsOf(page, id)).get('slow')).toMatchObject({ status: 'failed', error })
    await server.witness.reached(`${key}/aborted/timeout`)
    expect(server.witness.counts(`${key}/`)).toEqual({
      [`${key}/dawdles`]: 1,
      [`${key}/aborted/timeout`]: 1,
    })
  })

  test(`a step that ignores its signal is given up, and its late result is nothing: jobs in the ${executor}`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage({ executor })
    const input = { key, how: 'ignores', timeout: TIMEOUT, maxAttempts: 1 } as const
    const id = await trigger(page, 'slow-step', input)
    expect(await ended(page, id)).toMatchObject({ status: 'failed', error: { code: 'timeout' } })
    // Its slot is free although it goes on.
    await passThroughASlot(page)
    server.gate(key).open()
    await server.witness.reached(`${key}/late`)
    await passThroughASlot(page)
    expect((await stepsOf(page, id)).get('slow')).toMatchObject({ status: 'failed' })
    expect(await runOf(page, id)).toMatchObject({ status: 'failed' })
    expect(await page.evaluate(() => window.stepwell.status.error)).toBeNull()
  })

  test(`a job that takes too long between its steps is told by step.signal, and tried again by its policy: jobs in the ${executor}`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage({ executor })
    for (const how of ['minds', 'ignores'] as const) {
      const own = `${key}-${how}`
      const id = await trigger(page, 'slow-job', { key: own, how })
      expect(await ended(page, id)).toMatchObject({
        status: 'completed',
        output: 'attempt 2',
        attempt: 2,
        timeoutMs: 500,
      })
      const [wait] = await eventsOf(page, id, 'run:wait')
      expect(wait?.waitingFor).toMatchObject({ kind: 'retry', error: { code: 'timeout' } })
      expect(server.witness.count(`${own}/first`)).toBe(1)
    }
    await server.witness.reached(`${key}-minds/aborted/timeout`)
    expect(server.witness.count(`${key}-minds/aborted/timeout`)).toBe(1)
  })
}

test('what a step returns within the grace after its signal counts', async ({ openPage, key }) => {
  const page = await openPage()
  const input = { key, how: 'returns', timeout: TIMEOUT, maxAttempts: 1 } as const
  const id = await trigger(page, 'slow-step', input)
  expect(await ended(page, id)).toMatchObject({ status: 'completed', output: 'returned' })
})

test('a timeout is tried again by the policy of the step, with a time of its own', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const input = { key, how: 'ignores', timeout: TIMEOUT, maxAttempts: 2 } as const
  const id = await trigger(page, 'slow-step', input)
  expect(await ended(page, id)).toMatchObject({ status: 'completed', output: 'attempt 2' })
  const [again] = await eventsOf(page, id, 'step:retry')
  expect(again).toMatchObject({ stepName: 'slow', attempt: 1, errorCode: 'timeout' })
})

test('what a run spends waiting is not counted', async ({ openPage }) => {
  const page = await openPage()
  const id = await trigger(page, 'restful', { ms: 2_500 })
  expect(await ended(page, id)).toMatchObject({
    status: 'completed',
    output: 'rested',
    timeoutMs: 1_000,
  })
})

for (const job of ['slow-step', 'slow-job'] as const) {
  test(`${job} that never yields is cut off with its worker: it is tried again, and the other run resumes without a recovery`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage({ concurrency: 2 })
    const other = await triggerSteps(page, { key: `${key}-other`, count: 3, gateAt: 1 })
    await server.gate(`${key}-other`).reached()
    const input = { key, how: 'hangs', timeout: TIMEOUT, maxAttempts: 2 } as const
    const id = await trigger(page, job, input)
    expect(await ended(page, id)).toMatchObject({ status: 'completed', output: 'attempt 2' })
    expect(server.witness.count(`${key}/dawdles`)).toBe(1)

    await server.gate(`${key}-other`).reached(2)
    expect(await runOf(page, other)).toMatchObject({ status: 'running', recoveries: 0 })
    server.gate(`${key}-other`).open()
    expect(await ended(page, other)).toMatchObject({ status: 'completed', attempt: 1 })
    expect(await eventsOf(page, other, 'run:resume')).toMatchObject([{ recoveries: 0 }])
    expect(server.witness.counts(`${key}-other/`)).toEqual({
      [`${key}-other/s-0`]: 1,
      [`${key}-other/s-1`]: 2,
      [`${key}-other/s-2`]: 1,
    })
    expect(await page.evaluate(() => window.stepwell.status.error)).toBeNull()
  })
}

test('one that never yields and has no other attempt fails with timeout, and its slot works on', async ({
  openPage,
  key,
}) => {
  const page = await openPage({ concurrency: 1 })
  const input = { key, how: 'hangs', timeout: TIMEOUT, maxAttempts: 1 } as const
  const id = await trigger(page, 'slow-step', input)
  expect(await ended(page, id)).toMatchObject({
    status: 'failed',
    error: { code: 'timeout', stepName: 'slow', message: expect.stringContaining('worker') },
  })
  await passThroughASlot(page)
})

test('a page that was blocked beyond a timeout cannot be ended: what it made is ignored, and it works on as another executor', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ executor: 'page', concurrency: 1 })
  const input = { key, how: 'blocks', timeout: TIMEOUT, maxAttempts: 2 } as const
  const id = await trigger(page, 'slow-step', input)
  expect(await ended(page, id)).toMatchObject({ status: 'completed', output: 'attempt 2' })
  expect(server.witness.count(`${key}/dawdles`)).toBe(1)
  await passThroughASlot(page)
})
