// ACCEPTANCE A3, A4, A6, A8: keys, labels and delays at the edges of what they may be.
import { expect, test } from '../support/fixtures.js'
import { ended, runOf, triggerSteps } from '../support/page.js'

/** Texts that are alike to whatever cuts, folds, normalises or unescapes them, and are not the same. */
const TEXTS = [
  'a',
  'A',
  ' a',
  'a ',
  'a\u0000',
  'a\u0000b',
  'é',
  'e\u0301',
  '"a"',
  "'a'",
  '\\u0061',
  '%61',
  'a%',
  '_',
  '🦀'.repeat(256),
  `${'🦀'.repeat(255)}a`,
]

test('keys and the values of labels are told apart by every character', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  await triggerSteps(page, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  const found = await page.evaluate(async (texts) => {
    const items = texts.map((text, count) => ({
      input: { count },
      idempotencyKey: text,
      concurrencyKey: text,
      labels: { text },
    }))
    const made = await window.stepwell.batchTrigger('quick', items)
    const again = await window.stepwell.batchTrigger('quick', items)
    const coalesced = await window.stepwell.batchTrigger(
      'quick',
      texts.map((text) => ({ input: { count: 0 }, concurrencyKey: text, coalesce: 'skip' })),
    )
    const labelled = await Promise.all(
      texts.map((text) => window.stepwell.getRuns({ labels: { text } })),
    )
    return {
      made: made.map(({ disposition, run }) => [disposition, run.labels['text']]),
      ids: made.map(({ id }) => id),
      again: again.map(({ disposition, id }) => [disposition, id]),
      coalesced: coalesced.map(({ disposition, id }) => [disposition, id]),
      labelled: labelled.map(({ runs }) => runs.map(({ id }) => id)),
    }
  }, TEXTS)
  expect(found.made).toEqual(TEXTS.map((text) => ['created', text]))
  expect(found.again).toEqual(found.ids.map((id) => ['idempotent', id]))
  expect(found.coalesced).toEqual(found.ids.map((id) => ['coalesced', id]))
  expect(found.labelled).toEqual(found.ids.map((id) => [id]))
  server.gate(key).open()
})

test('32 labels, each as long as it may be, are stored, found and told', async ({ openPage }) => {
  const page = await openPage()
  const names = Array.from({ length: 32 }, (_, i) => `${i}-_./`.padEnd(64, 'Az'))
  const labels = Object.fromEntries(names.map((name) => [name, `${'語'.repeat(255)}|`]))
  const { id, found, one } = await page.evaluate(async (labels) => {
    const { id } = await window.stepwell.triggerAndWait('quick', { count: 1 }, { labels })
    await window.stepwell.triggerAndWait('quick', { count: 1 }, { labels: { other: '' } })
    const [found, one] = await Promise.all([
      window.stepwell.getRuns({ labels }),
      window.stepwell.getRuns({ labels: { ...labels, other: '' } }).catch(({ code }) => code),
    ])
    return { id, found: found.runs.map((run) => ({ id: run.id, labels: run.labels })), one }
  }, labels)
  expect(found).toEqual([{ id, labels }])
  expect(one).toBe('invalid_input')
})

test('a run that is delayed for a century waits, keeps its time over a reload, and can be cancelled', async ({
  openPage,
}) => {
  const page = await openPage()
  const { id, run } = await page.evaluate(() =>
    window.stepwell.trigger('quick', { count: 1 }, { delay: '36500d' }),
  )
  expect(run.startAt - run.createdAt).toBe(36_500 * 86_400_000)
  await page.reload()
  // The engine goes on with other work, and its timer is not one that fires at once.
  await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 2 }))
  expect(await runOf(page, id)).toMatchObject({ status: 'pending', startAt: run.startAt })
  await page.evaluate((id) => window.stepwell.cancel(id), id)
  expect(await ended(page, id)).toMatchObject({ status: 'cancelled', startedAt: null })
})
