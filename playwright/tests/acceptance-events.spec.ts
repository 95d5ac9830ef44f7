// ACCEPTANCE E1: what every event has, and the order of a run's events, over all that can happen to a run.
import { expect, test } from '../support/fixtures.js'
import { ended, sawEvent } from '../support/page.js'

const TYPES = [
  'log:write',
  'run:cancel',
  'run:coalesced',
  'run:complete',
  'run:delete',
  'run:fail',
  'run:progress',
  'run:resume',
  'run:retry',
  'run:start',
  'run:trigger',
  'step:complete',
  'step:fail',
  'step:start',
]
const WORK = '(?: (?:step:start|step:complete|step:fail|log:write|run:progress|run:resume))*'
const LIFE = `(?: run:start${WORK})?(?: run:(?:complete|fail|cancel))`
const ORDER = new RegExp(
  `^run:trigger(?: run:coalesced)*${LIFE}(?: run:retry${LIFE})*(?: run:delete)?$`,
)

test('every event has sequence, timestamp, run, job and labels, and those of a run come in order', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const labels = { of: 'this test' }
  const gated = await page.evaluate(
    async ([key, labels]) =>
      (await window.stepwell.trigger('steps', { key, count: 2, gateAt: 1 }, { labels })).id,
    [key, labels] as const,
  )
  await server.gate(key).reached()
  const ids = await page.evaluate(
    async ([key, labels]) => {
      const { stepwell } = window
      const skip = { labels, concurrencyKey: 'c', coalesce: 'skip' } as const
      const spoken = await stepwell.trigger('logging', { key, lines: 5 }, skip)
      await stepwell.trigger('logging', { key, lines: 6 }, skip)
      const fails = await stepwell.trigger('flaky', { key, failures: 1 }, { labels })
      const told = await stepwell.trigger('told', { count: 3 }, { labels })
      const never = await stepwell.trigger('quick', { count: 1 }, { labels })
      await stepwell.cancel(never.id)
      return [spoken.id, fails.id, told.id, never.id]
    },
    [key, labels] as const,
  )
  await page.evaluate(() => window.killExecutor())
  await server.gate(key).reached(2)
  server.gate(key).open()
  const [, fails = '', told = ''] = ids
  await ended(page, told)
  await page.evaluate(async (id) => {
    await window.stepwell.retry(id)
    await window.stepwell.waitForRun(id)
    await window.stepwell.deleteRun(id)
  }, fails)
  await sawEvent(page, fails, 'run:delete')

  const events = await page.evaluate(() =>
    window.events.flatMap((event) => ('runId' in event ? [event] : [])),
  )
  expect([...new Set(events.map(({ type }) => type))].sort()).toEqual(TYPES)
  const jobs = ['steps', 'logging', 'flaky', 'told', 'quick']
  for (const [i, event] of events.entries()) {
    expect(event.sequence).toBe((events[0]?.sequence ?? Number.NaN) + i)
    expect(event.timestamp).toBeGreaterThanOrEqual(events[i - 1]?.timestamp ?? 1)
    expect(Number.isInteger(event.timestamp)).toBe(true)
    expect(event.labels).toEqual(labels)
    expect(event.jobName).toBe(jobs[[gated, ...ids].indexOf(event.runId)])
  }
  for (const id of [gated, ...ids]) {
    const types = events.filter(({ runId }) => runId === id).map(({ type }) => type)
    expect(types.join(' ')).toMatch(ORDER)
  }
})
