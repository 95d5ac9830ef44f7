/**
 * The demo's witness: a small IndexedDB of its own, outside Stepwell's database, so that the counters on the page do not
 * rest on what they are to prove. Each body of a batch writes down that it starts, and waits for that, before it does
 * anything; the page writes down which button was pressed. Page and worker share it.
 */
import { type DBSchema, type IDBPDatabase, openDB } from 'idb'

/** That the body of a batch was entered. */
export interface Start {
  readonly runId: string
  readonly batch: number
  /** The run's attempt: rises with Retry. */
  readonly attempt: number
  /** Which worker did it: a new one after each crash, reload or kill. */
  readonly worker: string
  readonly at: number
}

/** A button that interrupts. */
export interface Press {
  readonly runId: string
  readonly kind: 'crash' | 'reload'
  readonly at: number
}

export interface Controls {
  readonly slowMotion: boolean
  /** Whether the next batch is to fail. */
  readonly failNext: boolean
}

export interface Evidence {
  /** In the order in which they were written. */
  readonly starts: readonly Start[]
  readonly presses: readonly Press[]
}

interface Schema extends DBSchema {
  starts: { key: number; value: Start; indexes: { runId: string } }
  presses: { key: number; value: Press; indexes: { runId: string } }
  controls: { key: keyof Controls; value: boolean }
}

type Change =
  | { readonly type: 'start'; readonly start: Start }
  | { readonly type: 'press'; readonly press: Press }
  | { readonly type: 'controls'; readonly controls: Controls }

const NAME = 'stepwell-demo-witness'
/** The runs of a long afternoon. */
const STARTS_MAX = 40_000
const PRUNE_EACH = 100
export const DEFAULTS: Controls = { slowMotion: true, failNext: false }

let opening: Promise<IDBPDatabase<Schema>> | undefined
let channel: BroadcastChannel | undefined

function database(): Promise<IDBPDatabase<Schema>> {
  opening ??= openDB<Schema>(NAME, 1, {
    upgrade(db) {
      const options = { autoIncrement: true }
      db.createObjectStore('starts', options).createIndex('runId', 'runId')
      db.createObjectStore('presses', options).createIndex('runId', 'runId')
      db.createObjectStore('controls')
    },
  }).catch((reason: unknown) => {
    opening = undefined
    throw reason
  })
  return opening
}

function announce(change: Change): void {
  channel ??= new BroadcastChannel(NAME)
  channel.postMessage(change)
}

/** In the worker: writes the start down for good, and takes what the page has asked for. */
export async function recordStart(start: Start): Promise<Controls> {
  const db = await database()
  const transaction = db.transaction(['starts', 'controls'], 'readwrite')
  const starts = transaction.objectStore('starts')
  const controls = transaction.objectStore('controls')
  const [slowMotion, failNext, key] = await Promise.all([
    controls.get('slowMotion'),
    controls.get('failNext'),
    starts.add(start),
    // One failure is asked for, and one is given.
    controls.delete('failNext'),
  ])
  if (key % PRUNE_EACH === 0) await starts.delete(IDBKeyRange.upperBound(key - STARTS_MAX))
  await transaction.done
  announce({ type: 'start', start })
  return {
    slowMotion: slowMotion ?? DEFAULTS.slowMotion,
    failNext: failNext ?? DEFAULTS.failNext,
  }
}

/** In the page. */
export async function recordPress(press: Press): Promise<void> {
  await (await database()).add('presses', press)
  announce({ type: 'press', press })
}

export async function setControl(name: keyof Controls, value: boolean): Promise<void> {
  await (await database()).put('controls', value, name)
  announce({ type: 'controls', controls: await readControls() })
}

export async function readControls(): Promise<Controls> {
  const db = await database()
  const [slowMotion, failNext] = await Promise.all([
    db.get('controls', 'slowMotion'),
    db.get('controls', 'failNext'),
  ])
  return {
    slowMotion: slowMotion ?? DEFAULTS.slowMotion,
    failNext: failNext ?? DEFAULTS.failNext,
  }
}

export async function readEvidence(runId: string): Promise<Evidence> {
  const db = await database()
  const [starts, presses] = await Promise.all([
    db.getAllFromIndex('starts', 'runId', runId),
    db.getAllFromIndex('presses', 'runId', runId),
  ])
  return { starts, presses }
}

/** Calls `listener` when anything was written, by this page, its worker or another tab. */
export function onEvidence(listener: (change: Change) => void): () => void {
  const incoming = new BroadcastChannel(NAME)
  incoming.onmessage = ({ data }: MessageEvent<Change>) => listener(data)
  return () => incoming.close()
}
