/** The page of the benchmark: one function a measurement, called by run.mjs. */
import { createStepwell } from '@stepwell/core'
import { engineCounters } from '@stepwell/core/testing'
import { jobs, many, ticking, told } from './jobs.js'

const query = new URLSearchParams(location.search)
const worker = () => new Worker(new URL('./jobs.ts', import.meta.url), { type: 'module' })
const stepwell = createStepwell({
  jobs,
  worker,
  database: query.get('db') ?? 'bench',
  durability: query.get('durability') === 'relaxed' ? 'relaxed' : 'strict',
  concurrency: Number(query.get('concurrency') ?? 1),
})

const heard: number[] = []
const channel = new BroadcastChannel('bench')
channel.onmessage = ({ data }: MessageEvent<number>) => heard.push(data)

const bench = {
  /** Resolves when the engine is open and the executor has run something. */
  async warm(): Promise<void> {
    await stepwell.triggerAndWait(many, { count: 3 })
  },

  /** Steps per second, and per commit, of `runs` runs at once. */
  async steps(runs: number, count: number): Promise<{ rate: number; perCommit: number }> {
    const before = await engineCounters(stepwell)
    const startedAt = performance.now()
    await Promise.all(Array.from({ length: runs }, () => stepwell.triggerAndWait(many, { count })))
    const seconds = (performance.now() - startedAt) / 1000
    const after = await engineCounters(stepwell)
    const perCommit = (after.steps - before.steps) / (after.commits - before.commits)
    return { rate: (runs * count) / seconds, perCommit }
  },

  /** Milliseconds from the call of `trigger` to the beginning of the first step's body. */
  async latency(times: number): Promise<number[]> {
    const found: number[] = []
    for (let i = 0; i < times; i++) {
      heard.length = 0
      const calledAt = performance.timeOrigin + performance.now()
      await stepwell.triggerAndWait(told)
      while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve))
      found.push((heard[0] ?? Number.NaN) - calledAt)
    }
    return found
  },

  async startTicking(ms: number): Promise<void> {
    await stepwell.trigger(ticking, { until: Date.now() + ms })
    while (heard.length < 3) await new Promise((resolve) => setTimeout(resolve))
  },

  /** After a reload: milliseconds from the beginning of this navigation to the first step that it saw. */
  async resumed(): Promise<number> {
    stepwell.getRuns({ limit: 1 }).catch(() => undefined)
    while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve))
    return (heard[0] ?? Number.NaN) - performance.timeOrigin
  },

  /** 4 KiB writes with flush per second. */
  raw(times: number): Promise<number> {
    const rawWorker = new Worker(new URL('./raw.ts', import.meta.url), { type: 'module' })
    return new Promise((resolve) => {
      rawWorker.onmessage = ({ data }: MessageEvent<number>) => {
        rawWorker.terminate()
        resolve(data)
      }
      rawWorker.postMessage({ times })
    })
  },
}

export type Bench = typeof bench

declare global {
  interface Window {
    bench: Bench
  }
}
window.bench = bench
