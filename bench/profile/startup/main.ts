/** A page that connects at once. `?database=…`, and `&plain` for an engine worker without marks. */
import { createStepwell } from '@stepwell/core'
import { filler, jobs, type Start, slow } from './jobs.js'
import { isMarkMessage, onLock, wallNow } from './marks.js'

const FILL_BATCH = 500

const query = new URLSearchParams(location.search)
const marks: Record<string, number> = {}
const mark = (name: string, at = wallNow()) => {
  marks[name] ??= at
}
mark('page script')
onLock((what, name) => {
  if (name.endsWith(':seat')) mark(what === 'asked' ? 'seat asked for' : 'seat')
})

const client = createStepwell({
  jobs,
  worker() {
    mark('executor spawned')
    const worker = new Worker(new URL('./jobs.ts', import.meta.url), { type: 'module' })
    worker.addEventListener('message', () => mark('executor ready'))
    return worker
  },
  ...(query.has('plain') ? {} : { engineWorker }),
  database: query.get('database') ?? 'startup',
  concurrency: 256,
})

function engineWorker(): Worker {
  mark('engine spawned')
  const worker = new Worker(new URL('./engine.ts', import.meta.url), { type: 'module' })
  worker.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (!isMarkMessage(data)) return
    // Of handles the last one counts, of everything else the first.
    if (data.name === 'last file') marks[data.name] = data.at
    else mark(data.name, data.at)
  })
  return worker
}

client.onStatus(({ state }) => {
  if (state === 'ready') mark('ready')
})
const answered = client.getRuns({ limit: 1 }).then(() => mark('first answer'))

const startup = {
  /** Milliseconds since the navigation. */
  async marks(): Promise<Record<string, number>> {
    await answered
    const [navigation] = performance.getEntriesByType('navigation')
    const html = navigation instanceof PerformanceNavigationTiming ? navigation.responseEnd : 0
    const since = Object.entries(marks).map(([name, at]) => [
      name,
      / (ms|count)$/.test(name) ? at : at - performance.timeOrigin,
    ])
    return { html, ...Object.fromEntries(since) }
  },
  async startSlow(count: number): Promise<string> {
    const { id } = await client.trigger(slow, { count })
    return id
  },
  /** Resolves when a run has so many steps. */
  async reached(id: string, count: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const off = client.on('step:complete', ({ runId, completedIndex }) => {
        if (runId !== id || completedIndex < count - 1) return
        off()
        resolve()
      })
    })
  },
  /** Milliseconds from this page's navigation to the first step that its own worker started. */
  async resumedAfter(id: string): Promise<number> {
    await client.waitForRun(id)
    const stored = await client.getSteps(id, { outputs: true })
    const starts = stored.map(({ output }) => output).filter(isStart)
    const last = starts.at(-1)?.executor
    const mine = starts.filter(({ executor }) => executor === last)
    return Math.min(...mine.map(({ at }) => at)) - performance.timeOrigin
  },
  async isEmpty(): Promise<boolean> {
    return (await client.getRuns({ limit: 1 })).runs.length === 0
  },
  /** Adds so many ended runs. */
  async fill(count: number): Promise<void> {
    for (let made = 0; made < count; made += FILL_BATCH) {
      const items = Array.from({ length: Math.min(FILL_BATCH, count - made) }, () => ({
        input: undefined,
      }))
      const triggered = await client.batchTrigger(filler, items)
      await Promise.all(triggered.map(({ id }) => client.waitForRun(id)))
    }
  },
}

function isStart(output: unknown): output is Start {
  return typeof output === 'object' && output !== null && 'executor' in output && 'at' in output
}

declare global {
  interface Window {
    startup: typeof startup
  }
}

window.startup = startup
