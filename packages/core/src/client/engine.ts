/** One engine worker, from its start to its end. A new one is started by making a new `EngineProcess`. */
import type { FromEngineWorker, OpenEngine, ToEngineWorker } from '../wire.js'
import { spawnWorker } from './spawn.js'

/** Opening waits for a lock and for busy handles up to 5 s, and may migrate. */
const OPEN_MS_MAX = 30_000
/** An orderly release takes a commit; a worker that takes longer is terminated. */
const RELEASE_MS_MAX = 1000
/** How long runs may take to come to an end before it. */
export const DRAIN_MS = 1000

export interface EngineEvents {
  onMessage(message: FromEngineWorker): void
  /** The worker is lost; it was terminated. Comes once, and nothing after it. */
  onLost(message: string): void
}

export interface EngineProcess {
  post(message: ToEngineWorker, transfer?: Transferable[]): void
  /** Ends it now. No event comes after it. */
  terminate(): void
  /** Ends it in good order, after runs had so long to come to an end. No event comes after the call. */
  release(drainMs: number): Promise<void>
}

/** @param worker a new one, or one that was kept ready. */
export function startEngine(worker: Worker, open: OpenEngine, events: EngineEvents): EngineProcess {
  let isOver = false
  let onReleased: (() => void) | null = null

  const terminate = () => {
    isOver = true
    clearTimeout(openTimer)
    worker.terminate()
    onReleased?.()
  }
  const lose = (message: string) => {
    if (isOver) return
    terminate()
    events.onLost(message)
  }
  const openTimer = setTimeout(() => {
    lose(
      `The engine worker did not open the database within ${OPEN_MS_MAX} ms. If you gave the option engineWorker, check ` +
        "that its file imports '@stepwell/core/engine-worker'.",
    )
  }, OPEN_MS_MAX)

  worker.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (!isFromEngineWorker(data)) return
    if (onReleased !== null) {
      if (data.type === 'released' || data.type === 'handed-over') onReleased()
      return
    }
    if (isOver) return
    if (data.type === 'opened' || data.type === 'open-failed') clearTimeout(openTimer)
    if (data.type === 'fatal') lose(data.message)
    else if (data.type === 'released') lose('The engine worker lost its lock.')
    else events.onMessage(data)
  }
  worker.onerror = (event) => {
    // Handled here: else the browser reports it a second time, as the page's own error.
    event.preventDefault()
    lose(event.message || NOT_LOADED)
  }
  worker.onmessageerror = () => lose('A message of the engine worker could not be read.')
  worker.postMessage(open)

  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    terminate,
    async release(drainMs) {
      if (isOver) return
      isOver = true
      clearTimeout(openTimer)
      await new Promise<void>((resolve) => {
        onReleased = resolve
        setTimeout(resolve, drainMs + RELEASE_MS_MAX)
        worker.postMessage({ type: 'stepwell:release', drainMs } satisfies ToEngineWorker)
      })
      worker.terminate()
    },
  }
}

const NOT_LOADED =
  'The engine worker could not be loaded. Check that its file is served (it is that of the option engineWorker, if you ' +
  'gave one), and that the Content-Security-Policy allows it: worker-src.'
const HOW =
  "engineWorker: () => new Worker(new URL('./engine.ts', import.meta.url), { type: 'module' }), where engine.ts is " +
  "import '@stepwell/core/engine-worker'."

/** Throws `invalid_input`. @param spawn what makes it, where the user says how. */
export function spawnEngineWorker(spawn: (() => Worker) | undefined): Worker {
  if (spawn !== undefined) return spawnWorker('engineWorker', spawn, HOW)
  // Literal and inline, so that every bundler finds the worker; with no dynamic part in the options for the same reason.
  return new Worker(new URL('../engine-worker/main.js', import.meta.url), {
    type: 'module',
    name: 'stepwell-engine',
  })
}

/** A worker would take it as relative to its own module. */
export function absoluteUrl(url: string | null): string | null {
  return url === null ? null : new URL(url, document.baseURI).href
}

const MESSAGE_TYPES: ReadonlySet<unknown> = new Set<FromEngineWorker['type']>([
  'opened',
  'open-failed',
  'output',
  'blob',
  'alive',
  'clock',
  'executor-gone',
  'executor-hung',
  'exported',
  'imported',
  'transfer-failed',
  'handed-over',
  'outdated',
  'fatal',
  'released',
])

export function isFromEngineWorker(data: unknown): data is FromEngineWorker {
  return typeof data === 'object' && data !== null && 'type' in data && MESSAGE_TYPES.has(data.type)
}
