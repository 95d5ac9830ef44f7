/** What the driver calls. Every function returns plain numbers. */
import { createStepwell } from '@stepwell/core'
import { engineCounters } from '@stepwell/core/testing'
import { clients, type Durability, worker } from './clients.js'
import { filler, firstStep, jobs, slow, steps, wallNow } from './jobs.js'
import { waiting } from './waiting.js'

/** Two databases that differ in how many ended runs they hold: one page, and many. */
const scale = {
  small: createStepwell({ jobs, worker, database: 'bench-small', concurrency: 256 }),
  full: createStepwell({ jobs, worker, database: 'bench-full', concurrency: 256 }),
}
const PAGE_RUNS = 50
const FILL_BATCH = 500
const LABELS = { tenant: 'a' }

const bench = {
  ...waiting,
  /** Adds so many ended runs to a database. */
  async fill(which: 'small' | 'full', count: number): Promise<void> {
    const client = scale[which]
    for (let made = 0; made < count; made += FILL_BATCH) {
      const items = Array.from({ length: Math.min(FILL_BATCH, count - made) }, () => ({
        input: undefined,
        labels: LABELS,
      }))
      const triggered = await client.batchTrigger(filler, items)
      await Promise.all(triggered.map(({ id }) => client.waitForRun(id)))
    }
  },
  /** Milliseconds: `trigger()` of a run that waits for its time, trigger → first step, and the first page of runs. */
  async atScale(which: 'small' | 'full'): Promise<[number, number, number]> {
    const client = scale[which]
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
  /** Writes and flushes per second. */
  raw(count: number): Promise<number> {
    const floor = new Worker(new URL('./raw.ts', import.meta.url), { type: 'module' })
    return new Promise((resolve, reject) => {
      floor.onerror = ({ message }) => reject(new Error(message))
      floor.onmessage = ({ data }: MessageEvent<number>) => {
        floor.terminate()
        resolve(data)
      }
      floor.postMessage({ count })
    })
  },
  /** Steps per second, and steps per commit. */
  async steps(durability: Durability, runs: number, count: number): Promise<[number, number]> {
    const client = clients[durability]
    const before = await engineCounters(client)
    const start = performance.now()
    const all = Array.from({ length: runs }, () => client.triggerAndWait(steps, { count }))
    await Promise.all(all)
    const seconds = (performance.now() - start) / 1_000
    const after = await engineCounters(client)
    return [
      (runs * count) / seconds,
      (after.steps - before.steps) / (after.commits - before.commits),
    ]
  },
  /** Milliseconds from `trigger()` to the first step's function, when idle. */
  async firstStep(): Promise<number> {
    const triggeredAt = wallNow()
    const { output } = await clients.strict.triggerAndWait(firstStep)
    return output - triggeredAt
  },
  async startSlow(count: number): Promise<string> {
    const { id } = await clients.strict.trigger(slow, { count })
    return id
  },
  /** Resolves when a run has so many steps. */
  async reached(id: string, count: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const off = clients.strict.on('step:complete', ({ runId, completedIndex }) => {
        if (runId !== id || completedIndex < count - 1) return
        off()
        resolve()
      })
    })
  },
  /** Milliseconds from this page's navigation to the first step that started after it. */
  async resumedAfter(id: string): Promise<number> {
    await clients.strict.waitForRun(id)
    const starts = (await clients.strict.getSteps(id, { outputs: true }))
      .map(({ output }) => output)
      .filter((output) => typeof output === 'number')
    return Math.min(...starts.filter((at) => at > performance.timeOrigin)) - performance.timeOrigin
  },
}

declare global {
  interface Window {
    bench: typeof bench
  }
}

window.bench = bench
