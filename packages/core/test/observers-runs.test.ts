// ACCEPTANCE E6: a list of runs stays right while runs come, change and go, and does not read everything again for it.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { defineJob, observeRuns } from '../src/index.js'
import { type Frames, scriptedClient, settled, stubFrames } from './scripted-client.js'
import { listOf } from './scripted-list.js'

const jobs = {
  job: defineJob({ name: 'job', run: (_step, _input: unknown) => 'done' }),
  other: defineJob({ name: 'other', run: (_step, _input: unknown) => 'done' }),
}
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

const listed = (filter?: Parameters<typeof listOf>[1]) => listOf(engine, filter)
const triggerMany = (count: number) => Array.from({ length: count }, () => engine.trigger())

describe('the first page', () => {
  test('loading, then ready, newest first', async () => {
    triggerMany(3)
    const observer = observeRuns(engine.client, {})
    expect(observer.get()).toMatchObject({ status: 'loading', runs: [], hasNextPage: false })
    const off = observer.subscribe(() => undefined)
    await settled()
    expect(observer.get()).toMatchObject({ status: 'ready', error: null, hasNextPage: false })
    expect(observer.get().runs.map(({ id }) => id)).toEqual([
      'run-000003',
      'run-000002',
      'run-000001',
    ])
    expect(engine.counts()).toEqual({ getRuns: 1 })
    off()
  })

  test('asked before there is an engine, it is not asked a second time once there is one', async () => {
    engine.status.set({ ...engine.status.get(), state: 'connecting' })
    engine.hold()
    const list = await listed()
    engine.status.set({ ...engine.status.get(), state: 'ready' })
    engine.reset()
    await engine.release()
    expect(list.observer.get().status).toBe('ready')
    expect(engine.counts()).toEqual({})
    engine.reset()
    expect(engine.counts()).toEqual({ getRuns: 1 })
  })

  test('two components with the same filter share it, whatever its order', async () => {
    triggerMany(2)
    const a = await listed({ status: ['running', 'pending'], job: [jobs.job, 'other'] })
    const b = await listed({ job: ['other', 'job'], status: ['pending', 'running'] })
    expect(engine.counts()).toEqual({})
    expect(b.observer.get()).toBe(a.observer.get())
  })
})

describe('live', () => {
  test('a hundred runs that come, go on and end cost no read of a page', async () => {
    const list = await listed()
    for (let i = 0; i < 100; i++) {
      const id = engine.trigger()
      engine.start(id)
      engine.complete(id)
      await frames.next()
    }
    await frames.next()
    const { getRuns, getRun = 0 } = engine.counts()
    expect(getRuns).toBeUndefined()
    expect(getRun).toBeLessThanOrEqual(200)
    expect(list.ids()).toEqual(Array.from({ length: 50 }, (_, i) => 100 - i))
    expect(list.observer.get().runs.every(({ status }) => status === 'completed')).toBe(true)
    expect(list.observer.get().hasNextPage).toBe(true)
  })

  test('a run that comes is read once, by itself; what an event tells is not read', async () => {
    const list = await listed()
    const id = engine.trigger()
    await frames.next()
    expect(list.shown()).toEqual(['1 pending'])
    expect(engine.counts()).toEqual({ getRun: 1 })
    engine.start(id)
    const progress = { current: 1, total: 2, message: undefined }
    engine.change(id, { version: 2, progress }, { type: 'run:progress', progress })
    engine.change(
      id,
      { stepCount: 1 },
      {
        type: 'step:complete',
        stepName: 's',
        stepKind: 'run',
        attempt: 1,
        completedIndex: 0,
        startedAt: 1,
      },
    )
    await frames.next()
    expect(list.observer.get().runs).toMatchObject([{ status: 'running', progress, stepCount: 1 }])
    expect(engine.counts()).toEqual({})
  })

  test('an output is read, the rest of the list is not', async () => {
    const [, id = ''] = triggerMany(3)
    const list = await listed()
    engine.start(id)
    engine.complete(id, '7')
    await frames.next()
    await frames.next()
    expect(list.observer.get().runs[1]).toMatchObject({ status: 'completed', output: 7 })
    expect(engine.counts()).toEqual({ getRun: 1 })
  })

  test('runs are read in one round a frame, and the first at once', async () => {
    const list = await listed()
    engine.trigger()
    await settled()
    expect(engine.counts()).toEqual({ getRun: 1 })
    engine.trigger()
    engine.trigger()
    await settled()
    expect(engine.counts()).toEqual({})
    await frames.next()
    expect(engine.counts()).toEqual({ getRun: 2 })
    await frames.next()
    expect(list.ids()).toEqual([3, 2, 1])
  })

  test('what happens in a frame is told once, and runs that did not change keep their reference', async () => {
    const ids = triggerMany(5)
    const list = await listed()
    const before = list.observer.get().runs
    const told = list.views.length
    for (const id of ids.slice(0, 2)) engine.start(id)
    await frames.next()
    expect(list.views.length).toBe(told + 1)
    const after = list.observer.get().runs
    expect(after.slice(0, 3)).toEqual(before.slice(0, 3))
    for (let i = 0; i < 3; i++) expect(after[i]).toBe(before[i])
    expect(list.shown().slice(3)).toEqual(['2 running', '1 running'])
  })

  test('events that say nothing new keep the list and tell nobody', async () => {
    const [id = ''] = triggerMany(1)
    const list = await listed()
    const before = list.observer.get()
    engine.change(
      id,
      { version: 1 },
      { type: 'run:progress', progress: { current: 1, total: undefined, message: undefined } },
    )
    await frames.next()
    const told = list.views.length
    expect(list.observer.get()).not.toBe(before)
    const same = list.observer.get()
    engine.change(
      id,
      { version: 1 },
      { type: 'run:progress', progress: { current: 1, total: undefined, message: undefined } },
    )
    engine.change(id, { version: 1 }, { type: 'step:start', stepName: 's', attempt: 1 })
    await frames.next()
    expect(list.observer.get()).toBe(same)
    expect(list.views.length).toBe(told)
  })

  test('a deleted run goes', async () => {
    const [id = ''] = triggerMany(2)
    const list = await listed()
    engine.remove(id)
    await frames.next()
    expect(list.ids()).toEqual([2])
    expect(engine.counts()).toEqual({})
  })

  test('runs that are read are at most fifty a frame, newest first; the list ends right', async () => {
    const list = await listed({ limit: 10 })
    engine.batch(() => triggerMany(500))
    await settled()
    expect(engine.counts()).toEqual({ getRun: 50 })
    await frames.next()
    await frames.next()
    expect(engine.counts()).toEqual({})
    expect(list.ids()).toEqual([500, 499, 498, 497, 496, 495, 494, 493, 492, 491])
  })
})

describe('the filter', () => {
  test('a run whose status leaves it goes at once, and one that enters comes', async () => {
    const [id = ''] = triggerMany(2)
    const pending = await listed({ status: 'pending' })
    const running = await listed({ status: ['running', 'waiting'] })
    engine.start(id)
    await frames.next()
    expect(pending.shown()).toEqual(['2 pending'])
    expect(running.shown()).toEqual(['1 running'])
    engine.complete(id)
    await frames.next()
    expect(running.shown()).toEqual([])
    expect(engine.counts()).toEqual({ getRun: 1 })
  })

  test('jobs and labels, by the event alone', async () => {
    const list = await listed({ job: 'job', labels: { tenant: 'a' } })
    engine.trigger({ jobName: 'other', labels: { tenant: 'a' } })
    engine.trigger({ labels: { tenant: 'b' } })
    engine.trigger()
    const own = engine.trigger({ labels: { tenant: 'a', source: 'x' } })
    await frames.next()
    expect(list.observer.get().runs.map(({ id }) => id)).toEqual([own])
    expect(engine.counts()).toEqual({ getRun: 1 })
  })

  test('the parent: its children, or only runs that have none, by the event alone', async () => {
    const parentId = engine.trigger()
    const child = { parentStep: 'parts', rootId: parentId }
    const children = await listed({ parent: parentId })
    const roots = await listed({ parent: null })
    const all = await listed()
    expect(roots.ids()).toEqual([1])
    engine.counts()
    engine.trigger({ ...child, parentId, childIndex: 0 })
    engine.trigger({ ...child, parentId: 'run-000009', childIndex: 0 })
    engine.trigger()
    await frames.drain()
    expect(children.ids()).toEqual([2])
    expect(roots.ids()).toEqual([4, 1])
    expect(all.ids()).toEqual([4, 3, 2, 1])
    expect(engine.counts()).toEqual({ getRun: 5 })
  })

  test('times: a run outside of them is read once, and not for each of its events', async () => {
    const list = await listed({ createdAfter: 500, createdBefore: 1500 })
    const inside = engine.trigger({ createdAt: 500 })
    const outside = engine.trigger({ createdAt: 1500 })
    await frames.next()
    expect(list.observer.get().runs.map(({ id }) => id)).toEqual([inside])
    expect(engine.counts()).toEqual({ getRun: 2 })
    engine.start(outside)
    engine.complete(outside)
    await frames.next()
    await frames.next()
    expect(list.observer.get().runs.map(({ id }) => id)).toEqual([inside])
    expect(engine.counts()).toEqual({})
  })
})

test.each([
  [{ job: 7 }, 'job'],
  [{ job: [] }, 'job'],
  [{ status: 'done' }, 'status'],
  [{ status: [] }, 'status'],
  [{ labels: 'x' }, 'labels'],
  [{ labels: {} }, 'labels'],
  [{ labels: { 'a b': 'x' } }, 'labels'],
  [{ createdAfter: Number.NaN }, 'createdAfter'],
  [{ createdBefore: -1 }, 'createdBefore'],
  [{ parent: 7 }, 'parent'],
  [{ parent: '' }, 'parent'],
  [{ parent: {} }, 'parent'],
  [{ limit: 0 }, 'limit'],
  [{ limit: -1 }, 'limit'],
  [{ limit: 1.5 }, 'limit'],
  [{ limit: 1001 }, 'limit'],
  [{ cursor: 'x' }, 'cursor'],
  ['all', 'useRuns'],
])('a wrong filter is refused by name: %j', (filter, name) => {
  const observe = () => Reflect.apply(observeRuns, undefined, [engine.client, filter])
  expect(observe).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  expect(observe).toThrow(new RegExp(name))
  expect(engine.counts()).toEqual({})
})
