// ACCEPTANCE J6: an export that is larger than what the engine's memory should hold.
import { expect, test } from '../support/fixtures.js'
import { ready } from '../support/page.js'

const RUNS = Number(process.env['STEPWELL_EXPORT_MB'] ?? 70)

test('a database above 64 MiB is exported as it is, while its engine goes on', async ({
  openPage,
}) => {
  test.setTimeout(300_000)
  const page = await openPage({ durability: 'relaxed' })
  await ready(page)
  const result = await page.evaluate(async (runs) => {
    const megabyte = () =>
      Array.from({ length: 16 }, () => Math.random().toString(36).padEnd(16, 'x').slice(0, 16))
        .join('')
        .repeat(4096)
    const ids = []
    for (let i = 0; i < runs; i++) {
      ids.push(await window.start('quick', { count: 1, filler: megabyte() }, {}))
    }
    const last = ids.at(-1) ?? ''
    await window.stepwell.waitForRun(last)
    const startedAt = performance.now()
    const exporting = window.stepwell.exportDatabase()
    const during = await window.stepwell.triggerAndWait('quick', { count: 1 })
    const bytes = await exporting
    return {
      exportMs: performance.now() - startedAt,
      size: bytes.length,
      during: during.output,
      epoch: window.stepwell.status.epoch,
      // The export is good where it can be taken back.
      imported: await window.outcome(window.stepwell.importDatabase(new Blob([bytes]))),
      found: (await window.stepwell.getRun(last))?.status,
    }
  }, RUNS)
  expect(result.size).toBeGreaterThan(RUNS * 1024 * 1024)
  expect(result.size).toBeGreaterThan(64 * 1024 * 1024)
  expect(result).toMatchObject({
    during: 0,
    epoch: 1,
    imported: { ok: true },
    found: 'completed',
  })
})
