/** One of several tabs. What the driver calls returns plain numbers. `?database=…`, and `&standby` for that option. */
import { createStepwell } from '@stepwell/core'
import { sharedNow } from './clock.js'
import { type Beat, beat, chatter, jobs, started, steps } from './jobs.js'
import { isMarkMessage, type Marks, onLockGranted } from './marks.js'

const query = new URLSearchParams(location.search)
const marks: Marks = {}
const mark = (name: string, at = sharedNow()) => {
  marks[name] ??= at
}
/** In the handlers of what other tabs say. */
let longestMs = 0
let events = 0

onLockGranted((name) => {
  if (name.endsWith(':seat')) mark('seat')
})
timeBroadcasts()

const client = createStepwell({
  jobs,
  worker() {
    const worker = new Worker(new URL('./jobs.ts', import.meta.url), { type: 'module' })
    worker.addEventListener('message', () => mark('executor ready'))
    return worker
  },
  engineWorker() {
    mark('engine spawned')
    const worker = new Worker(new URL('./engine.ts', import.meta.url), { type: 'module' })
    worker.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if (isMarkMessage(data)) mark(data.name, data.at)
      else if (hasType(data, 'opened')) mark('opened')
    })
    return worker
  },
  database: query.get('database') ?? 'bench-tabs',
  standby: query.has('standby'),
})

function hasType(data: unknown, type: string): boolean {
  return typeof data === 'object' && data !== null && 'type' in data && data.type === type
}

/** Every handler that is set from now on is timed. */
function timeBroadcasts(): void {
  const { prototype } = BroadcastChannel
  const set = Object.getOwnPropertyDescriptor(prototype, 'onmessage')?.set
  if (set === undefined) throw new Error('BroadcastChannel has no onmessage')
  Object.defineProperty(prototype, 'onmessage', {
    set(handler: (event: MessageEvent) => void) {
      const timed = (event: MessageEvent) => {
        const start = performance.now()
        handler(event)
        longestMs = Math.max(longestMs, performance.now() - start)
      }
      set.call(this, timed)
    },
  })
}

const tab = {
  marks,
  /** Resolves when this tab has a role and is answered. */
  async connect(): Promise<string> {
    await client.getRuns({ limit: 1 })
    return client.status.role
  },
  role: () => client.status.role,
  async startBeat(count: number): Promise<string> {
    const { id } = await client.trigger(beat, { count })
    return id
  },
  /** Resolves when a run has so many steps. */
  reached(id: string, count: number): Promise<void> {
    return new Promise((resolve) => {
      const off = client.on('step:complete', ({ runId, completedIndex }) => {
        if (runId !== id || completedIndex < count - 1) return
        off()
        resolve()
      })
    })
  },
  /** When this tab, once it leads, started its first step of a run; and the moments before that. */
  async firstHere(id: string): Promise<{ readonly at: number; readonly marks: Marks }> {
    await new Promise<void>((resolve) => {
      const off = client.on('step:complete', ({ runId }) => {
        if (runId !== id || client.status.role !== 'leader') return
        off()
        resolve()
      })
    })
    const stored = await client.getSteps(id, { outputs: true })
    const beats = stored.map(({ output }) => output).filter(isBeat)
    const mine = beats.at(-1)?.executor
    const starts = beats.filter(({ executor }) => executor === mine).map(({ at }) => at)
    return { at: Math.min(...starts), marks: { ...marks } }
  },
  cancel: (id: string) => client.cancel(id),
  /** Milliseconds from `trigger()` to the first step's function, when idle. */
  async firstStep(): Promise<number> {
    const triggeredAt = sharedNow()
    const { output } = await client.triggerAndWait(started)
    return output - triggeredAt
  },
  /** Steps per second of one run. */
  async steps(count: number): Promise<number> {
    const start = performance.now()
    await client.triggerAndWait(steps, { count })
    return count / ((performance.now() - start) / 1_000)
  },
  /** From now on this tab counts what it hears. */
  listen(): void {
    client.on('*', () => {
      events += 1
    })
  },
  /** What was heard since the last call, and the longest handler of it in milliseconds. */
  heard(): { readonly events: number; readonly longestMs: number } {
    const heard = { events, longestMs }
    events = 0
    longestMs = 0
    return heard
  },
  /** Resolves when so many log lines were heard of. */
  hears(lines: number): Promise<void> {
    return new Promise((resolve) => {
      let seen = 0
      const off = client.on('log:write', () => {
        seen += 1
        if (seen < lines) return
        off()
        resolve()
      })
    })
  },
  async chatter(lines: number): Promise<void> {
    await client.triggerAndWait(chatter, { lines })
  },
}

function isBeat(output: unknown): output is Beat {
  return typeof output === 'object' && output !== null && 'executor' in output && 'at' in output
}

declare global {
  interface Window {
    tab: typeof tab
  }
}

window.tab = tab
