// ACCEPTANCE E6: pages that neither skip nor repeat, answers and events that cross, an engine that goes and comes.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { defineJob, StepwellError } from '../src/index.js'
import { codeOf, type Frames, scriptedClient, settled, stubFrames } from './scripted-client.js'
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

  test('a page is full although runs of the list have to be read again', async () => {
    const ids = triggerMany(25)
    const list = await listed({ limit: 10 })
    engine.complete(ids[20] ?? '')
    await settled()
    // In the same frame: this one is read in the next.
    engine.complete(ids[21] ?? '')
    await list.observer.get().fetchNextPage()
    await frames.next()
    await frames.next()
    expect(list.ids()).toEqual(Array.from({ length: 20 }, (_, i) => 25 - i))
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
    // At once, in the same frame.
    await list.observer.get().fetchNextPage()
    expect(list.observer.get()).toMatchObject({ status: 'ready', error: null })
    expect(list.ids()).toHaveLength(15)
  })

  test('after a failure the next event reads what may have been missed', async () => {
    const list = await listed()
    engine.refuse(new StepwellError('limit_exceeded', 'Too many.'))
    engine.trigger()
    await frames.next()
    expect(list.observer.get()).toMatchObject({
      status: 'ready',
      error: { code: 'limit_exceeded' },
    })
    engine.refuse(null)
    await frames.next()
    expect(list.ids()).toEqual([])
    engine.trigger()
    await frames.next()
    await frames.next()
    expect(list.ids()).toEqual([2, 1])
    expect(list.observer.get().error).toBe(null)
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

  test('one that is newer than an event is enough', async () => {
    const list = await listed()
    engine.hold()
    const id = engine.trigger()
    await settled()
    engine.start(id)
    await engine.release('now')
    await frames.next()
    await frames.next()
    expect(list.shown()).toEqual(['1 running'])
    expect(engine.counts()).toEqual({ getRun: 1 })
  })

  test('an event of the way to the version that was read changes no status', async () => {
    const id = engine.trigger({ status: 'completed', output: '1', version: 7 })
    const list = await listed({ status: 'completed' })
    const progress = { current: 1, total: 1, message: undefined }
    engine.tell(id, { status: 'running' }, { type: 'run:progress', progress })
    await frames.next()
    expect(list.shown()).toEqual(['1 completed'])
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
