// A worker of jobs may end while its page lives on. The engine sees it by the worker's lock, and the page starts another.
import { expect, test } from '../support/fixtures.js'
import { ended } from '../support/page.js'

test('a run whose worker closes itself goes on in a new one, from its last committed step', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('closing', { key })).id,
    key,
  )
  expect(await ended(page, id)).toMatchObject({ status: 'completed', output: 'survived' })
  expect(server.witness.counts(key)).toEqual({ [`${key}/before`]: 1, [`${key}/closes`]: 2 })
  expect(await page.evaluate(() => window.stepwell.status.error)).toBeNull()
})
