// A step that blocks its thread delays neither a trigger nor a cancel, for the engine runs no user code.
import { expect, test } from '../support/fixtures.js'
import { ended, runOf } from '../support/page.js'

test('a step that blocks its thread for 3 s delays neither a trigger nor a cancel', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('blocking', { key, ms: 3000 })).id,
    key,
  )
  await server.witness.reached(`${key}/blocking`)
  const answered = await page.evaluate(async (id) => {
    const triggered = await window.stepwell.trigger('quick', { count: 1 })
    const read = await window.stepwell.getRun(triggered.id)
    const cancelled = await window.stepwell.cancel(id)
    return { triggered: triggered.id, read: read?.status, cancelled: cancelled.status }
  }, id)
  expect(answered).toMatchObject({ read: 'pending', cancelled: 'cancelled' })
  // All of that was answered while the step still blocked its thread.
  expect(server.witness.count(`${key}/unblocked`)).toBe(0)
  expect(await ended(page, answered.triggered)).toMatchObject({ status: 'completed' })
  expect(await runOf(page, id)).toMatchObject({ status: 'cancelled' })
  expect(server.witness.count(`${key}/after`)).toBe(0)
})
