/** One of several tabs, of whose way to lead the marks are kept. */
import { createStepwell } from '@stepwell/core'
import { sharedNow } from '../clock.js'
import type { Part } from '../part.js'
import { worker } from './clients.js'
import { beat, chatter, isBeat, jobs, started, steps } from './jobs.js'
import { isMarkMessage, type Marks, onLockGranted } from './marks.js'

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

function make(database: string, standby: boolean) {
  return createStepwell({
    jobs,
    worker() {
      const made = worker()
      made.addEventListener('message', () => mark('executor ready'))
      return made
    },
    engineWorker() {
      mark('engine spawned')
      const made = new Worker(new URL('./engine.ts', import.meta.url), { type: 'module' })
      made.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
        if (isMarkMessage(data)) mark(data.name, data.at)
        else if (hasType(data, 'opened')) mark('opened')
      })
      return made
    },
    database: `bench-${database}`,
    standby,
  })
}

let client: ReturnType<typeof make>

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

export const calls = {
  /** Resolves when this tab has a role and is answered. */
  async connect(database: string, standby: boolean): Promise<string> {
    client = make(database, standby)
    await client.getRuns({ limit: 1 })
    return client.status.role
  },
  hasMark: (name: string) => name in marks,
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
} satisfies Part['calls']
