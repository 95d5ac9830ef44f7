// The children in what `useRun` and `useJob` show: live, in order, and not read again for what events tell.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Step } from '../src/generated/protocol.js'
import { defineJob, observeJob, observeRun } from '../src/index.js'
import type { ChildView } from '../src/observers/types.js'
import { type Frames, scriptedClient, settled, stubFrames } from './scripted-client.js'

const jobs = {
  job: defineJob({ name: 'job', run: (_step, _input: unknown) => 'done' }),
  part: defineJob({ name: 'part', run: (_step, _input: unknown) => 'done' }),
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

function invokeStep(name: string, count: number): Step {
  return {
    name,
    kind: 'invoke',
    status: 'waiting',
    completedIndex: undefined,
    attempt: 1,
    output: undefined,
    error: undefined,
    firstAttempt: 1,
    waitingFor: { kind: 'children', stepName: name, count },
    children: [],
    startedAt: 7,
    completedAt: undefined,
  }
}

/** What the engine does for `invokeAll`, in one transaction. */
function invoke(parentId: string, name: string, count: number): string[] {
  const ids: string[] = []
  engine.steps.set(parentId, [...(engine.steps.get(parentId) ?? []), invokeStep(name, count)])
  engine.batch(() => {
    engine.change(
      parentId,
      {},
      {
        type: 'step:wait',
        stepName: name,
        stepKind: 'invoke',
        attempt: 1,
        waitingFor: { kind: 'children', stepName: name, count },
        startedAt: 7,
      },
    )
    for (let childIndex = 0; childIndex < count; childIndex++) {
      const place = { parentId, parentStep: name, childIndex, rootId: parentId }
      ids.push(engine.trigger({ jobName: 'part', ...place }))
    }
  })
  return ids
}

function parent(): string {
  const id = engine.trigger()
  engine.start(id)
  return id
}

/** What is shown of a run, and how often it was told. */
async function observed(runId: string) {
  const observer = observeRun(engine.client, runId)
  const views: (readonly ChildView[])[] = []
  observer.subscribe(() => views.push(observer.get().children))
  await frames.drain()
  engine.counts()
  views.length = 0
  const places = () =>
    observer.get().children.map(({ stepName, index, status }) => `${stepName} ${index} ${status}`)
  return { observer, views, places }
}

describe('reading', () => {
  test('a run that made no children is not asked for any, whatever happens to it', async () => {
    const id = parent()
    const { observer } = await observed(id)
    engine.change(
      id,
      {},
      {
        type: 'step:complete',
        stepName: 's',
        stepKind: 'run',
        attempt: 1,
        completedIndex: 0,
        startedAt: 1,
      },
    )
    engine.reset()
    await frames.drain()
    engine.complete(id)
    await frames.drain()
    expect(observer.get().children).toEqual([])
    expect(engine.counts()).toEqual({ getRun: 2, getSteps: 2 })
  })

  test('children that there are when it is shown are read once', async () => {
    const id = parent()
    invoke(id, 'parts', 3)
    const observer = observeRun(engine.client, id)
    observer.subscribe(() => undefined)
    await frames.drain()
    expect(observer.get().children).toEqual([
      { runId: 'run-000002', jobName: 'part', stepName: 'parts', index: 0, status: 'pending' },
      { runId: 'run-000003', jobName: 'part', stepName: 'parts', index: 1, status: 'pending' },
      { runId: 'run-000004', jobName: 'part', stepName: 'parts', index: 2, status: 'pending' },
    ])
    expect(engine.counts()).toEqual({ getRun: 1, getSteps: 1, getRuns: 1 })
  })

  test('those that are made while it is shown are read once, in the order of the steps', async () => {
    const id = parent()
    const { places } = await observed(id)
    invoke(id, 'z', 2)
    await frames.drain()
    expect(engine.counts()).toEqual({ getRuns: 1 })
    invoke(id, 'a', 2)
    await settled()
    const filters = engine.asked.map((command) => ('filter' in command ? command.filter : null))
    expect(filters).toEqual([{ parentId: id, limit: 2 }])
    await frames.drain()
    expect(places()).toEqual(['z 0 pending', 'z 1 pending', 'a 0 pending', 'a 1 pending'])
  })

  test('one that is not on the page of the newest is looked for', async () => {
    const id = parent()
    const { places } = await observed(id)
    invoke(id, 'a', 1)
    await frames.drain()
    engine.counts()
    engine.hold()
    invoke(id, 'b', 1)
    // Made before the page is read, told after it.
    const tell = engine.holdEvents()
    engine.trigger({ jobName: 'part', parentId: id, parentStep: 'c', childIndex: 0, rootId: id })
    await engine.release('now')
    tell()
    await frames.drain()
    expect(places()).toEqual(['a 0 pending', 'b 0 pending', 'c 0 pending'])
  })

  test('after a new engine they are read again, once', async () => {
    const id = parent()
    const [first = ''] = invoke(id, 'parts', 3)
    const { places } = await observed(id)
    engine.silently(() => engine.start(first))
    engine.reset()
    await frames.drain()
    expect(places()[0]).toBe('parts 0 running')
    expect(engine.counts()).toEqual({ getRun: 1, getSteps: 1, getRuns: 1 })
  })

  test('an answer that is older than an event does not undo it', async () => {
    const id = parent()
    const [first = ''] = invoke(id, 'parts', 2)
    const observer = observeRun(engine.client, id)
    observer.subscribe(() => undefined)
    await settled()
    engine.reset()
    engine.hold()
    engine.reset()
    engine.start(first)
    engine.complete(first)
    await engine.release()
    await frames.drain()
    expect(observer.get().children[0]?.status).toBe('completed')
  })
})

describe('events', () => {
  test('a thousand children end: nothing is read, and each frame is told once', async () => {
    const id = parent()
    const ids = invoke(id, 'parts', 1000)
    const { observer, views, places } = await observed(id)
    for (let i = 0; i < 1000; i += 100) {
      for (const child of ids.slice(i, i + 100)) {
        engine.start(child)
        engine.complete(child)
      }
      await frames.next()
    }
    await frames.drain()
    expect(views.length).toBeLessThanOrEqual(10)
    expect(places().every((place) => place.endsWith('completed'))).toBe(true)
    expect(observer.get().children.map(({ index }) => index)).toEqual(ids.map((_, i) => i))
    expect(engine.counts()).toEqual({})
  })

  test('a run that goes on and waits again and again is told at most twice a frame, and ends right', async () => {
    const id = parent()
    const [first = ''] = invoke(id, 'parts', 2)
    const { observer, views } = await observed(id)
    const waitingFor = { kind: 'children', stepName: 'parts', count: 2 } as const
    for (let frame = 0; frame < 3; frame++) {
      views.length = 0
      for (let i = 0; i < 5; i++) {
        engine.change(id, { status: 'waiting', waitingFor }, { type: 'run:wait', waitingFor })
        const patch = { status: 'running', waitingFor: undefined } as const
        engine.change(id, patch, { type: 'run:resume', attempt: 1, recoveries: 0 })
      }
      if (frame === 1) engine.start(first)
      // The first change is shown before the frame.
      expect(views.length).toBe(1)
      await frames.next()
      expect(views.length).toBe(2)
    }
    expect(observer.get()).toMatchObject({
      status: 'running',
      children: [{ status: 'running' }, {}],
    })
  })

  test('a child keeps its reference until it changes, and all of them while nothing does', async () => {
    const id = parent()
    const ids = invoke(id, 'parts', 3)
    const { observer } = await observed(id)
    const before = observer.get().children
    const version = engine.runs.get(id)?.version ?? 0
    engine.change(
      id,
      { version },
      {
        type: 'run:progress',
        progress: { current: 1, total: 2, message: undefined },
      },
    )
    await frames.drain()
    expect(observer.get().children).toBe(before)
    engine.start(ids[1] ?? '')
    await frames.drain()
    const after = observer.get().children
    expect(after[0]).toBe(before[0])
    expect(after[1]).toMatchObject({ index: 1, status: 'running' })
    expect(after[2]).toBe(before[2])
  })

  test('of more than a thousand the newest are shown, and the others are not asked for', async () => {
    const id = parent()
    const old = invoke(id, 'first', 600)
    invoke(id, 'second', 600)
    const { observer, places } = await observed(id)
    expect(places().length).toBe(1000)
    expect(places()[0]).toBe('first 200 pending')
    engine.start(old[0] ?? '')
    await frames.drain()
    expect(engine.counts()).toEqual({})
    invoke(id, 'third', 100)
    await frames.drain()
    expect(observer.get().children.length).toBe(1000)
    expect(places()[0]).toBe('first 300 pending')
  })

  test('a run that is deleted is missing, and so are its children', async () => {
    const id = parent()
    invoke(id, 'parts', 3)
    const { observer } = await observed(id)
    engine.remove(id)
    await frames.drain()
    expect(observer.get()).toMatchObject({ status: 'missing', children: [] })
  })

  test('useJob shows them as well', async () => {
    const observer = observeJob(engine.client, jobs.job)
    observer.subscribe(() => undefined)
    await observer.get().trigger(1)
    await frames.drain()
    const id = observer.get().runId ?? ''
    engine.start(id)
    invoke(id, 'parts', 2)
    await frames.drain()
    expect(observer.get().children).toMatchObject([{ index: 0 }, { index: 1 }])
  })
})
