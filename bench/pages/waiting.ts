/** The cases of runs that wait. */
import { createStepwell } from '@stepwell/core'
import { engineCounters } from '@stepwell/core/testing'
import { clients, type Durability, worker } from './clients.js'
import { asked, jobs, nap, parent, wallNow } from './jobs.js'

/** Two databases: one in which many runs are asleep, and one that is empty. */
const sleeping = {
  empty: createStepwell({ jobs, worker, database: 'bench-empty', concurrency: 16 }),
  asleep: createStepwell({ jobs, worker, database: 'bench-asleep', concurrency: 16 }),
}
type Which = keyof typeof sleeping
const BATCH = 500

/** Counts events that follow a call; resolves when there were so many. */
function counted(count: number, type: 'run:wait' | 'run:complete', which: Which): Promise<void> {
  return new Promise((resolve) => {
    let seen = 0
    const off = sleeping[which].on(type, () => {
      seen += 1
      if (seen < count) return
      off()
      resolve()
    })
  })
}

export const waiting = {
  /** Sends so many runs to sleep, for a year. */
  async fallAsleep(count: number): Promise<void> {
    for (let made = 0; made < count; made += BATCH) {
      const size = Math.min(BATCH, count - made)
      const asleep = counted(size, 'run:wait', 'asleep')
      const items = Array.from({ length: size }, () => ({ input: { ms: 365 * 86_400_000 } }))
      await sleeping.asleep.batchTrigger(nap, items)
      await asleep
    }
  },
  /** Milliseconds from this page's navigation to an engine that answers. */
  async readyAfter(which: Which): Promise<number> {
    await sleeping[which].getRuns({ limit: 1 })
    return performance.now()
  },
  /** How many batches the engine has handled, this question included. */
  async batches(which: Which): Promise<number> {
    return (await engineCounters(sleeping[which])).batches
  },
  /** Milliseconds for a parent with so many children. */
  async family(durability: Durability, count: number): Promise<number> {
    const start = performance.now()
    await clients[durability].triggerAndWait(parent, { count })
    return performance.now() - start
  },
  /** How late each of so many sleeps ended, of which each takes another time: the engine's wake-up, and the function's. */
  async lateness(count: number): Promise<[number, number][]> {
    const client = clients.strict
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
  async answered(): Promise<number> {
    const client = clients.strict
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
