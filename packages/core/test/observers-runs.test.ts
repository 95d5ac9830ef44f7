// ACCEPTANCE E6: a list of runs stays right while runs come, change and go, and does not read everything again for it.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { defineJob, observeRuns, StepwellError } from '../src/index.js'
import type { RunsView } from '../src/observers/types.js'
import { codeOf, type Frames, scriptedClient, settled, stubFrames } from './scripted-client.js'

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

/** The list, subscribed to, with its first page; each view that it told, in order. */
async function listed(filter: Parameters<typeof observeRuns>[1] = {}) {
  const observer = observeRuns(engine.client, filter)
  const views: RunsView[] = []
  const off = observer.subscribe(() => views.push(observer.get()))
  await settled()
  const ids = () => observer.get().runs.map(({ id }) => Number(id.slice(4)))
  const shown = () =>
    observer.get().runs.map(({ id, status }) => `${Number(id.slice(4))} ${status}`)
  engine.counts()
  return { observer, views, off, ids, shown }
}

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
      { type: 'step:complete', stepName: 's', attempt: 1, completedIndex: 0, startedAt: 1 },
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

describe('pages', () => {
  test('neither skip nor repeat a run while runs arrive', async () => {
    triggerMany(25)
    const list = await listed({ limit: 10 })
    expect(list.ids()).toEqual([25, 24, 23, 22, 21, 20, 19, 18, 17, 16])
    engine.hold()
    const page = list.observer.get().fetchNextPage()
    expect(list.observer.get().isFetchingNextPage).toBe(true)
    expect(list.observer.get().fetchNextPage()).toBe(page)
    engine.trigger()
    engine.trigger()
    await engine.release()
    await page
    await frames.next()
    await frames.next()
    expect(list.observer.get().isFetchingNextPage).toBe(false)
    // Two pages of ten: the two that came are in them, at the cost of the two oldest.
    expect(list.ids()).toEqual(Array.from({ length: 20 }, (_, i) => 27 - i))
    await list.observer.get().fetchNextPage()
    await frames.next()
    expect(list.ids()).toEqual(Array.from({ length: 27 }, (_, i) => 27 - i))
    expect(list.observer.get().hasNextPage).toBe(false)
    expect(engine.counts()['getRuns']).toBe(2)
  })

  test('so many runs arrive that the page has no room: it is not put below a gap', async () => {
    triggerMany(20)
    const list = await listed({ limit: 5 })
    engine.hold()
    const page = list.observer.get().fetchNextPage()
    await settled()
    engine.batch(() => triggerMany(30))
    await engine.release()
    await page
    for (let i = 0; i < 3; i++) await frames.next()
    expect(list.ids()).toEqual(Array.from({ length: 10 }, (_, i) => 50 - i))
    await list.observer.get().fetchNextPage()
    expect(list.ids()).toEqual(Array.from({ length: 15 }, (_, i) => 50 - i))
  })

  test('a list that loses half a page is filled again, in one read', async () => {
    const ids = triggerMany(30)
    const list = await listed({ status: 'pending', limit: 10 })
    for (const id of ids.slice(20, 24)) engine.start(id)
    await frames.next()
    expect(engine.counts()).toEqual({})
    expect(list.ids()).toEqual([30, 29, 28, 27, 26, 25])
    engine.start(ids[24] ?? '')
    await frames.next()
    expect(engine.counts()).toEqual({ getRuns: 1 })
    expect(list.ids()).toEqual([30, 29, 28, 27, 26, 20, 19, 18, 17, 16])
  })

  test('a page that is refused rejects, says why, and can be asked for again', async () => {
    triggerMany(15)
    const list = await listed({ limit: 10 })
    engine.refuse(new StepwellError('internal', 'No.'))
    expect(await codeOf(list.observer.get().fetchNextPage())).toBe('internal')
    expect(list.observer.get()).toMatchObject({ status: 'ready', error: { code: 'internal' } })
    expect(list.ids()).toHaveLength(10)
    engine.refuse(null)
    await frames.next()
    await list.observer.get().fetchNextPage()
    expect(list.observer.get()).toMatchObject({ status: 'ready', error: null })
    expect(list.ids()).toHaveLength(15)
  })

  test('there is none after the last', async () => {
    triggerMany(2)
    const list = await listed()
    await list.observer.get().fetchNextPage()
    expect(engine.counts()).toEqual({})
  })
})

describe('answers and events that cross', () => {
  test('an answer that is older than an event does not undo it', async () => {
    const list = await listed({ status: 'pending' })
    engine.hold()
    const id = engine.trigger()
    await settled()
    engine.start(id)
    await engine.release()
    await frames.next()
    expect(list.shown()).toEqual([])
  })

  test('nor one of a run that was deleted', async () => {
    const list = await listed()
    engine.hold()
    const id = engine.trigger()
    await settled()
    engine.remove(id)
    await engine.release()
    await frames.next()
    expect(list.shown()).toEqual([])
  })

  test('what happened while the first page was read is in the list', async () => {
    const [a = '', b = '', c = ''] = triggerMany(3)
    engine.hold()
    const list = await listed({ status: ['pending', 'completed'] })
    engine.start(a)
    engine.start(b)
    engine.complete(b)
    engine.remove(c)
    engine.trigger()
    await engine.release()
    await frames.next()
    await frames.next()
    expect(list.shown()).toEqual(['4 pending', '2 completed'])
  })

  test('a run that came to fit while the page it belongs to was read', async () => {
    const ids = triggerMany(20)
    for (const id of ids.slice(0, 10)) engine.start(id)
    const list = await listed({ status: 'pending', limit: 8 })
    engine.hold()
    const page = list.observer.get().fetchNextPage()
    await settled()
    engine.change(ids[4] ?? '', { status: 'pending' }, { type: 'run:retry', attempt: 2 })
    await engine.release()
    await page
    await frames.next()
    expect(list.ids()).toEqual([20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 5])
  })
})

describe('the connection', () => {
  test('a reset reads again what is shown, and keeps the references of what did not change', async () => {
    const [, b = '', c = ''] = triggerMany(25)
    const list = await listed({ limit: 10 })
    await list.observer.get().fetchNextPage()
    const before = list.observer.get().runs
    engine.counts()
    engine.silently(() => {
      engine.remove('run-000025')
      engine.start('run-000024')
      engine.trigger()
      engine.start(b)
      engine.start(c)
    })
    engine.reset()
    await settled()
    expect(engine.counts()).toEqual({ getRuns: 1 })
    await frames.next()
    expect(list.shown().slice(0, 3)).toEqual(['26 pending', '24 running', '23 pending'])
    expect(list.ids()).toHaveLength(20)
    const after = list.observer.get().runs
    for (const run of before.slice(2)) expect(after).toContain(run)
  })

  test('while it is down the status says why and the runs stay', async () => {
    triggerMany(2)
    const list = await listed()
    const error = new StepwellError('not_leader', 'Another tab.')
    engine.status.set({ ...engine.status.get(), state: 'unavailable', error })
    expect(list.observer.get()).toMatchObject({
      status: 'unavailable',
      error: { code: 'not_leader' },
    })
    expect(list.ids()).toEqual([2, 1])
    engine.status.set({ ...engine.status.get(), state: 'ready', error: null })
    expect(list.observer.get()).toMatchObject({ status: 'ready', error: null })
  })

  test('a refused first page is unavailable until the next reset', async () => {
    engine.refuse(new StepwellError('internal', 'No.'))
    const list = await listed()
    expect(list.observer.get()).toMatchObject({
      status: 'unavailable',
      error: { code: 'internal' },
    })
    engine.refuse(null)
    await frames.next()
    engine.reset()
    await settled()
    expect(list.observer.get()).toMatchObject({ status: 'ready', error: null })
  })

  test('without listeners it tells nobody; the next one sees what is now', async () => {
    const list = await listed()
    list.off()
    const told = list.views.length
    engine.trigger()
    await frames.next()
    expect(list.views.length).toBe(told)
    expect(list.ids()).toEqual([1])
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
