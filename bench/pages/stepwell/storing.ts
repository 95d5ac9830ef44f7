/** The cases of databases that hold many ended runs. */
import { clientOf, counted, type Place } from './clients.js'
import { filler, firstStep, wallNow } from './jobs.js'

const PAGE_RUNS = 50
const FILL_BATCH = 500
const LABELS = { tenant: 'a' }

export const storing = {
  /** Adds so many ended runs to a database. */
  async fill(place: Place, count: number): Promise<void> {
    const client = clientOf(place)
    for (let made = 0; made < count; made += FILL_BATCH) {
      const size = Math.min(FILL_BATCH, count - made)
      const items = Array.from({ length: size }, () => ({ input: undefined, labels: LABELS }))
      const done = counted(client, 'run:complete', size)
      await client.batchTrigger(filler, items)
      await done
    }
  },
  /** Milliseconds: `trigger()` of a run that waits for its time, trigger → first step, and the first page of runs. */
  async atScale(place: Place): Promise<[number, number, number]> {
    const client = clientOf(place)
    const triggerAt = performance.now()
    const { id } = await client.trigger(firstStep, undefined, { delay: '1h', labels: LABELS })
    const triggerMs = performance.now() - triggerAt
    await client.cancel(id)
    const claimAt = wallNow()
    const { output } = await client.triggerAndWait(firstStep, undefined, { labels: LABELS })
    const pageAt = performance.now()
    await client.getRuns({ job: filler, limit: PAGE_RUNS })
    return [triggerMs, output - claimAt, performance.now() - pageAt]
  },
}
