// ACCEPTANCE I4: many runs of every kind at once. That they are done before the test's time is up is the assertion.
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { childrenOf, signal, trigger, waiting } from '../support/runs.js'

interface Member {
  readonly id: string
  readonly status: 'completed' | 'failed'
  readonly output?: unknown
}

const ROUNDS = 12
const RETRY = { maxAttempts: 3, initialDelay: 20 }

/** Ten runs of as many kinds. */
async function triggerRound(page: Page, key: string, round: number): Promise<Member[]> {
  const own = `${key}-${round}`
  const work = Array.from({ length: 4 }, (_, n) => ({ key: own, n }))
  const refusing = { key: own, n: 9, how: 'refuses' as const }
  const done = async (id: Promise<string>, output: unknown): Promise<Member> => ({
    id: await id,
    status: 'completed',
    output,
  })
  return Promise.all([
    done(trigger(page, 'quick', { count: 5 }), 10),
    done(trigger(page, 'sleeper', { key: `${own}-a`, ms: 50 * round + 1 }), 'awake'),
    done(trigger(page, 'shaky-step', { key: `${own}-b`, failures: 2, retry: RETRY }), {
      made: { attempt: 3, times: 3 },
      runAttempt: 1,
    }),
    done(trigger(page, 'shaky-job', { key: `${own}-c`, failures: 1 }), {
      made: { attempt: 2, times: 2 },
      runAttempt: 2,
    }),
    done(trigger(page, 'approval', { key: `${own}-d`, options: { key: `${own}-word` } }), {
      received: true,
      value: String(round),
    }),
    done(trigger(page, 'approval', { key: `${own}-e`, options: { timeout: 100 } }), {
      received: false,
      reason: 'timeout',
    }),
    done(trigger(page, 'parent', { key: `${own}-f`, work }), [0, 2, 4, 6]),
    done(
      trigger(page, 'mapped', { key: `${own}-g`, count: 5, concurrency: 2 }),
      [0, 1, 2, 3, 4].map((n) => [n * 2, n]),
    ),
    done(trigger(page, 'pipeline', round), `number ${round + 2}`),
    trigger(page, 'parent', { key: `${own}-h`, work: [...work, refusing] }).then((id) => ({
      id,
      status: 'failed' as const,
    })),
  ])
}

test('120 runs of ten kinds and a parent of 250 children at once are done within a minute, each as it should be', async ({
  openPage,
  key,
}) => {
  test.setTimeout(60_000)
  const page = await openPage({ concurrency: 8, executors: 2 })
  const crowd = await trigger(page, 'crowd', { count: 250 })
  const rounds = Array.from({ length: ROUNDS }, (_, round) => triggerRound(page, key, round))
  for (let round = 0; round < ROUNDS; round++) {
    // Some before the wait, some after it.
    expect(['kept', 'delivered']).toContain(await signal(page, `${key}-${round}-word`, round))
  }
  const members = (await Promise.all(rounds)).flat()
  const expected = members.map(({ id, status, output }) => ({ id, status, output }))
  const found = await page.evaluate(
    async (ids) => {
      const runs = await Promise.all(ids.map((id) => window.stepwell.waitForRun(id)))
      return runs.map(({ id, status, output }) => ({ id, status, output }))
    },
    members.map(({ id }) => id),
  )
  expect(found).toEqual(expected)
  const run = await page.evaluate((id) => window.stepwell.waitForRun(id), crowd)
  expect(run.output).toEqual(Array.from({ length: 250 }, (_, n) => n * 2))
  expect(await childrenOf(page, crowd)).toHaveLength(250)
  const { runs } = await page.evaluate(() =>
    window.stepwell.getRuns({ status: ['pending', 'running', 'waiting'] }),
  )
  expect(runs).toEqual([])
})

test('a page that is reloaded while runs of every kind wait: all of them go on', async ({
  openPage,
  key,
}) => {
  test.setTimeout(60_000)
  const page = await openPage({ concurrency: 4 })
  const members = (await Promise.all([1, 2].map((round) => triggerRound(page, key, round)))).flat()
  const asking = await trigger(page, 'approval', { key })
  await waiting(page, asking)
  await page.reload()
  for (const round of [1, 2]) await signal(page, `${key}-${round}-word`, round)
  await signal(page, `${asking}:approved`, 1)
  const ids = [...members.map(({ id }) => id), asking]
  const ends = await page.evaluate(async (ids) => {
    const runs = await Promise.all(ids.map((id) => window.stepwell.waitForRun(id)))
    return runs.map(({ status }) => status)
  }, ids)
  expect(ends).toEqual([...members.map(({ status }) => status), 'completed'])
})
