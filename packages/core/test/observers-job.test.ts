// ACCEPTANCE E3: which run a hook shows, and what its triggers say.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { NewTrigger } from '../src/generated/protocol.js'
import { defineJob, observeJob, observeRun } from '../src/index.js'
import { codeOf, type Frames, scriptedClient, settled, stubFrames } from './scripted-client.js'

const job = defineJob({ name: 'job', run: (_step, _input: unknown) => 'done' })
const other = defineJob({ name: 'other', run: (_step, _input: unknown) => 'done' })
const jobs = { job, other }
let frames: Frames
let engine: ReturnType<typeof scriptedClient>

beforeEach(() => {
  frames = stubFrames()
  engine = scriptedClient(jobs)
})
afterEach(async () => {
  await frames.drain()
  vi.unstubAllGlobals()
})

type Options = Parameters<typeof observeJob<typeof job>>[2]

async function shown(options: Options = {}) {
  const observer = observeJob(engine.client, job, options)
  const off = observer.subscribe(() => undefined)
  await settled()
  return {
    observer,
    off,
    get: () => observer.get(),
    status: () => observer.get().status,
    id: () => observer.get().runId,
  }
}

function lastTrigger(): NewTrigger | undefined {
  const commands = engine.asked.filter((command) => command.type === 'trigger')
  return commands.at(-1)?.run
}

describe('options of the trigger', () => {
  test('are defaults; those of a call come first', async () => {
    const hook = await shown({ concurrencyKey: 'a', coalesce: 'skip', priority: 3, delay: '1m' })
    await hook.get().trigger(1)
    expect(lastTrigger()).toMatchObject({
      concurrencyKey: 'a',
      coalesce: true,
      priority: 3,
      delayMs: 60_000,
      labels: {},
    })
    await hook.get().trigger(1, { priority: 0, concurrencyKey: 'b', idempotencyKey: 'i' })
    expect(lastTrigger()).toMatchObject({
      concurrencyKey: 'b',
      coalesce: true,
      priority: 0,
      idempotencyKey: 'i',
    })
  })

  test('labels are merged, so that a run keeps those by which the hook finds it', async () => {
    const hook = await shown({ labels: { tenant: 'a', kind: 'x' } })
    await hook.get().trigger(1, { labels: { kind: 'y', source: 'button' } })
    expect(lastTrigger()?.labels).toEqual({ tenant: 'a', kind: 'y', source: 'button' })
  })

  test('a startAt of the call replaces a delay of the hook', async () => {
    const hook = await shown({ delay: 1000 })
    await hook.get().trigger(1, { startAt: 5 })
    expect(lastTrigger()).toMatchObject({ startAt: 5, delayMs: undefined })
  })

  test('new defaults hold for the next trigger, and lose no run', async () => {
    const hook = await shown({ priority: 1 })
    const { id } = await hook.get().trigger(1)
    hook.observer.setDefaults({ priority: 2 })
    expect(hook.id()).toBe(id)
    await hook.get().trigger(1)
    expect(lastTrigger()).toMatchObject({ priority: 2 })
  })

  test('triggerAndWait has them too, beside those of the wait', async () => {
    const hook = await shown({ priority: 1, concurrencyKey: 'k' })
    const end = hook.get().triggerAndWait(1, { coalesce: 'skip', timeout: '1m' })
    await settled()
    expect(lastTrigger()).toMatchObject({ priority: 1, concurrencyKey: 'k', coalesce: true })
    engine.complete('run-000001', '5')
    expect(await end).toMatchObject({ id: 'run-000001', output: 5 })
  })

  test('what is wrong in a call is its triggerError, and nothing is sent', async () => {
    const hook = await shown()
    const bad: readonly unknown[] = [
      7,
      [],
      { priority: 1.5 },
      { priority: 1001 },
      { delay: -1 },
      { delay: 0 },
      { startAt: Number.NaN },
      { labels: 'x' },
      { labels: { 'a b': '' } },
      { idempotencyKey: '' },
      { concurrencyKey: 'x'.repeat(257) },
      { coalesce: 'skip' },
      { soon: true },
    ]
    engine.counts()
    for (const options of bad) {
      const call: Promise<unknown> = Reflect.apply(hook.get().trigger, undefined, [1, options])
      expect(await codeOf(call)).toBe('invalid_input')
      expect(hook.get().triggerError?.code).toBe('invalid_input')
    }
    expect(engine.counts()).toEqual({})
  })
})

test.each([
  [{ labels: 7 }, 'labels'],
  [{ labels: {} }, 'labels'],
  [{ labels: { 'a b': 'x' } }, 'labels'],
  [{ labels: { a: 1 } }, 'labels'],
  [{ concurrencyKey: '' }, 'concurrencyKey'],
  [{ concurrencyKey: 'x'.repeat(257) }, 'concurrencyKey'],
  [{ idempotencyKey: '' }, 'idempotencyKey'],
  [{ idempotencyKey: 7 }, 'idempotencyKey'],
  [{ priority: Number.NaN }, 'priority'],
  [{ priority: -1001 }, 'priority'],
  [{ delay: -1 }, 'delay'],
  [{ delay: 0 }, 'delay'],
  [{ startAt: -1 }, 'startAt'],
  [{ startAt: 1, delay: 1 }, 'startAt'],
  [{ coalesce: 'skip' }, 'coalesce'],
  [{ coalesce: 'merge', concurrencyKey: 'k' }, 'coalesce'],
  [{ autoResume: 1 }, 'autoResume'],
  [{ followLatest: 'yes' }, 'followLatest'],
  [{ initialRunId: '' }, 'initialRunId'],
  [{ initialRunId: 7 }, 'initialRunId'],
  [{ autoResum: false }, 'autoResum'],
])('a wrong option is refused by name: %j', (options, name) => {
  const observe = () => Reflect.apply(observeJob, undefined, [engine.client, job, options])
  expect(observe).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  expect(observe).toThrow(new RegExp(name))
  expect(engine.counts()).toEqual({})
})

describe('autoResume', () => {
  test('takes the newest active run with the labels of the hook', async () => {
    const own = engine.trigger({ labels: { tenant: 'a', more: 'x' } })
    engine.trigger({ labels: { tenant: 'b' } })
    engine.trigger({ labels: { tenant: 'a' }, status: 'completed' })
    expect((await shown({ labels: { tenant: 'a' } })).id()).toBe(own)
    expect((await shown({ labels: { tenant: 'c' } })).status()).toBe('idle')
  })

  test('and with its concurrency key, however many others are active', async () => {
    const own = engine.trigger({ concurrencyKey: 'k' })
    for (let i = 0; i < 250; i++) engine.trigger({ concurrencyKey: `k${i}` })
    expect((await shown({ concurrencyKey: 'k' })).id()).toBe(own)
    expect((await shown({ concurrencyKey: 'none' })).status()).toBe('idle')
  })

  test('of those that another component shows too: in the first paint', async () => {
    const a = engine.trigger({ labels: { tenant: 'a' }, concurrencyKey: 'k' })
    const hook = await shown({ labels: { tenant: 'a' } })
    expect(hook.id()).toBe(a)
    await frames.next()
    const ofLabels = observeJob(engine.client, job, { labels: { tenant: 'a' } })
    expect(ofLabels.get()).toMatchObject({ status: 'pending', runId: a })
    const ofKey = observeJob(engine.client, job, { concurrencyKey: 'k' })
    expect(ofKey.get()).toMatchObject({ status: 'pending', runId: a })
    const ofOther = observeJob(engine.client, job, { labels: { tenant: 'b' } })
    expect(ofOther.get()).toMatchObject({ status: 'loading', runId: null })
  })

  test('not over initialRunId', async () => {
    const first = engine.trigger()
    engine.trigger()
    expect((await shown({ initialRunId: first })).id()).toBe(first)
  })
})

test('a child of another run is its parent’s: it is neither resumed nor followed', async () => {
  const parentId = engine.trigger({ jobName: 'other' })
  const child = { parentId, parentStep: 'parts', rootId: parentId }
  engine.trigger({ ...child, childIndex: 0 })
  const hook = await shown({ followLatest: true })
  expect(hook.status()).toBe('idle')
  engine.trigger({ ...child, childIndex: 1 })
  engine.reset()
  await settled()
  expect(hook.status()).toBe('idle')
  const own = engine.trigger()
  await settled()
  expect(hook.id()).toBe(own)
})

describe('followLatest', () => {
  test('switches to a run that is triggered elsewhere; without it nothing switches', async () => {
    const follows = await shown({ followLatest: true })
    const stays = await shown()
    const { id: own } = await stays.get().trigger(1)
    await settled()
    expect(follows.id()).toBe(own)
    engine.trigger({ jobName: 'other' })
    const next = engine.trigger()
    await settled()
    expect(follows.get()).toMatchObject({ runId: next, status: 'pending' })
    expect(stays.id()).toBe(own)
  })

  test('only of its labels and its key', async () => {
    const hook = await shown({ followLatest: true, labels: { tenant: 'a' }, concurrencyKey: 'k' })
    engine.trigger({ labels: { tenant: 'b' }, concurrencyKey: 'k' })
    engine.trigger({ labels: { tenant: 'a' }, concurrencyKey: 'other' })
    engine.trigger({ labels: { tenant: 'a' } })
    await settled()
    expect(hook.status()).toBe('idle')
    const own = engine.trigger({ labels: { tenant: 'a' }, concurrencyKey: 'k' })
    await settled()
    expect(hook.id()).toBe(own)
  })

  test('a retrigger of what it shows, by whomever', async () => {
    const id = engine.trigger()
    const hook = await shown({ followLatest: true })
    engine.complete(id)
    await settled()
    await observeRun(engine.client, id).get().retrigger()
    await settled()
    expect(hook.id()).toBe('run-000002')
  })

  test('also with initialRunId, and after reset', async () => {
    const first = engine.trigger({ status: 'completed', output: '1' })
    const hook = await shown({ followLatest: true, initialRunId: first })
    expect(hook.id()).toBe(first)
    const second = engine.trigger()
    expect(hook.id()).toBe(second)
    hook.get().reset()
    expect(hook.status()).toBe('idle')
    const third = engine.trigger()
    expect(hook.id()).toBe(third)
  })

  test('what was triggered over a reset, or while nobody listened', async () => {
    const old = engine.trigger({ status: 'completed', output: '1' })
    const hook = await shown({ followLatest: true })
    expect(hook.status()).toBe('idle')
    engine.reset()
    await settled()
    // The newest run that there is, and not a new one.
    expect(hook.id()).toBe(null)
    engine.silently(() => engine.trigger())
    engine.reset()
    await settled()
    expect(hook.id()).toBe('run-000002')
    hook.off()
    const third = engine.trigger()
    hook.observer.subscribe(() => undefined)
    await settled()
    expect(hook.id()).toBe(third)
    expect(old).toBe('run-000001')
  })

  test('an event of an older run that comes after the answer of the hook', async () => {
    const hook = await shown({ followLatest: true })
    const tellEvents = engine.holdEvents()
    engine.trigger()
    const { id } = await hook.get().trigger(1)
    const seen: (string | null)[] = []
    hook.observer.subscribe(() => seen.push(hook.id()))
    tellEvents()
    expect(id).toBe('run-000002')
    expect(hook.id()).toBe(id)
    expect(seen).not.toContain('run-000001')
  })

  test('a trigger of the hook that is answered late does not undo a newer run', async () => {
    const hook = await shown({ followLatest: true })
    engine.hold()
    const own = hook.get().trigger(1)
    await settled()
    const newer = engine.trigger()
    expect(hook.get()).toMatchObject({ status: 'pending', runId: null })
    await engine.release()
    await own
    expect(hook.id()).toBe(newer)
  })
})

describe('retrigger', () => {
  test('shows the fresh run, pending from the call on', async () => {
    const hook = await shown()
    const { id } = await hook.get().trigger({ a: 1 })
    engine.complete(id)
    await settled()
    expect(hook.status()).toBe('completed')
    engine.hold()
    const again = hook.get().retrigger()
    await settled()
    expect(hook.get()).toMatchObject({ status: 'pending', runId: null })
    await engine.release()
    // The first answer was the run that is triggered again.
    await settled()
    const fresh = await again
    expect(fresh.id).not.toBe(id)
    expect(hook.get()).toMatchObject({ status: 'pending', runId: fresh.id })
  })

  test('of an active run is refused, shows in triggerError, and the run is shown on', async () => {
    const hook = await shown()
    const { id } = await hook.get().trigger(1)
    expect(await codeOf(hook.get().retrigger())).toBe('conflict')
    expect(hook.get()).toMatchObject({ runId: id, triggerError: { code: 'conflict' } })
  })

  test('without a run there is nothing to do', async () => {
    const hook = await shown()
    expect(await codeOf(hook.get().retrigger())).toBe('not_found')
    expect(hook.get()).toMatchObject({ status: 'idle', triggerError: null })
  })
})

describe('a deleted run', () => {
  test('is missing; reset makes the hook idle, a trigger shows the fresh run', async () => {
    const id = engine.trigger()
    const hook = await shown()
    const run = observeRun(engine.client, id)
    run.subscribe(() => undefined)
    await settled()
    engine.complete(id)
    await settled()
    engine.remove(id)
    await frames.next()
    const missing = { status: 'missing', isLoading: false, isActive: false, run: null }
    expect(hook.get()).toMatchObject({ ...missing, runId: id })
    expect(run.get()).toMatchObject(missing)
    await hook.get().trigger(1)
    expect(hook.status()).toBe('pending')
    expect(run.get().status).toBe('missing')
    hook.get().reset()
    expect(hook.status()).toBe('idle')
  })

  test('also while it is being read', async () => {
    const id = engine.trigger()
    engine.hold()
    const run = observeRun(engine.client, id)
    run.subscribe(() => undefined)
    await settled()
    engine.remove(id)
    await engine.release()
    expect(run.get().status).toBe('missing')
  })
})

describe('loaded, for Suspense', () => {
  test('reads without a subscriber, once, and resolves when there is something to show', async () => {
    const id = engine.trigger()
    engine.hold()
    const run = observeRun(engine.client, id)
    const load = run.loaded()
    expect(observeRun(engine.client, id).loaded()).toBe(load)
    let isLoaded = false
    void load.then(() => {
      isLoaded = true
    })
    await settled()
    expect(isLoaded).toBe(false)
    await engine.release()
    expect(isLoaded).toBe(true)
    expect(run.get().status).toBe('pending')
    expect(engine.counts()).toEqual({ getRun: 1, getSteps: 1 })
    await run.loaded()
  })
})
