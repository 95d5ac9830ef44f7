// The cases of databases that hold many ended runs.
import { instanceOf, polling } from './instances.js'

const PAGE_RUNS = 50
const LABELS = { tenant: 'a' }
const wallNow = () => performance.timeOrigin + performance.now()
const passes = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Rows as durably writes them, a second apart from each other. */
const FILL_RUNS = `
  WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
  INSERT INTO durably_runs
    (id, job_name, input, status, labels, current_step_index, completed_step_count, output, lease_generation,
     started_at, completed_at, created_at, updated_at)
  SELECT printf('00000000000000000%09d', i), 'filler', '{}', 'completed', '{"tenant":"a"}', 0, 0, ?3, 1, at, at, at, at
  FROM (SELECT i, strftime('%Y-%m-%dT%H:%M:%fZ', 1700000000 + i, 'unixepoch') AS at FROM n)
`
const FILL_LABELS = `
  INSERT INTO durably_run_labels (run_id, key, value)
  SELECT id, 'tenant', 'a' FROM durably_runs WHERE job_name = 'filler' AND id BETWEEN
    printf('00000000000000000%09d', ?1) AND printf('00000000000000000%09d', ?2)
`
const FILL_BATCH = 20_000

export const storing = {
  /** By SQL: by its API it takes hours. */
  async fill(place, count) {
    const { durably, local } = instanceOf(place)
    await durably.migrate()
    const output = JSON.stringify({ text: 'x'.repeat(88) })
    for (let from = 1; from <= count; from += FILL_BATCH) {
      const to = Math.min(count, from + FILL_BATCH - 1)
      await local.sql(FILL_RUNS, from, to, output)
      await local.sql(FILL_LABELS, from, to)
    }
  },
  /** Milliseconds: `trigger()`, trigger → first step, and the first page of runs. */
  atScale: (place) =>
    polling(place, async ({ durably, pollingMs }) => {
      await passes(pollingMs * (1 + Math.random()))
      const claimAt = wallNow()
      const { id } = await durably.jobs.firstStep.trigger({}, { labels: LABELS })
      const triggerMs = wallNow() - claimAt
      const { output } = await durably.waitForRun(id)
      const pageAt = performance.now()
      await durably.getRuns({ jobName: 'filler', limit: PAGE_RUNS })
      return [triggerMs, output.at - claimAt, performance.now() - pageAt]
    }),
}
