/** `?durability=…`. The engine's wasm is the one that keeps the names of its functions. */
import { createStepwell } from '@stepwell/core'
import wasmUrl from '../wasm/stepwell_wasm_bg.wasm?url'
import { jobs, steps } from './jobs.js'

const durability = new URLSearchParams(location.search).get('durability')
const client = createStepwell({
  jobs,
  worker: () => new Worker(new URL('./jobs.ts', import.meta.url), { type: 'module' }),
  database: `profile-${durability}`,
  durability: durability === 'relaxed' ? 'relaxed' : 'strict',
  concurrency: 16,
  wasmUrl,
})

const profile = {
  /** Steps per second. */
  async steps(runs: number, count: number): Promise<number> {
    const start = performance.now()
    await Promise.all(Array.from({ length: runs }, () => client.triggerAndWait(steps, { count })))
    return (runs * count) / ((performance.now() - start) / 1_000)
  },
}

declare global {
  interface Window {
    profile: typeof profile
  }
}

window.profile = profile
