/** The cases of runs that wait. */
import { clientOf, counted, type Place } from './clients.js'
import { asked, nap, parent, wallNow } from './jobs.js'

const BATCH = 500
const YEAR_MS = 365 * 86_400_000

export const waiting = {
  /** Sends so many runs to sleep, for a year. */
  async fallAsleep(place: Place, count: number): Promise<void> {
    const client = clientOf(place)
    for (let made = 0; made < count; made += BATCH) {
      const size = Math.min(BATCH, count - made)
      const asleep = counted(client, 'run:wait', size)
      const items = Array.from({ length: size }, () => ({ input: { ms: YEAR_MS } }))
      await client.batchTrigger(nap, items)
      await asleep
    }
  },
  /** Milliseconds for a parent with so many children. */
  async family(place: Place, count: number): Promise<number> {
    const start = performance.now()
    await clientOf(place).triggerAndWait(parent, { count })
    return performance.now() - start
  },
  /** How late each of so many sleeps ended, of which each takes another time: the engine's wake-up, and the function's. */
  async lateness(place: Place, count: number): Promise<[number, number][]> {
    const client = clientOf(place)
    const ends = new Map<string, [number, number]>()
    const off = client.on('*', (event) => {
      if (event.type === 'step:wait' && 'until' in event.waitingFor)
        ends.set(event.runId, [event.waitingFor.until ?? 0, 0])
      if (event.type !== 'step:complete') return
      const [until = 0] = ends.get(event.runId) ?? []
      ends.set(event.runId, [until, event.timestamp])
    })
    const one = async (ms: number): Promise<[number, number]> => {
      const { id, output } = await client.triggerAndWait(nap, { ms })
      const [until = 0, end = 0] = ends.get(id) ?? []
      return [end - until, output - until]
    }
    // Primes, so that they do not end together.
    const all = Array.from({ length: count }, (_, i) => one(100 + ((i * 37) % 1_009)))
    const late = await Promise.all(all)
    off()
    return late
  },
  /** Milliseconds from `signal()` to the function of the next step, when idle. */
  async answered(place: Place): Promise<number> {
    const client = clientOf(place)
    const { id } = await client.trigger(asked)
    for await (const update of client.subscribe(id)) {
      const isWaiting =
        update.type === 'run:wait' ||
        (update.type === 'snapshot' && update.run.status === 'waiting')
      if (isWaiting) break
    }
    const signalledAt = wallNow()
    await client.signal(`${id}:answer`, 1)
    const run = await client.waitForRun<typeof asked>(id)
    if (run.status !== 'completed') throw new Error(`the run is ${run.status}`)
    return run.output - signalledAt
  },
}
