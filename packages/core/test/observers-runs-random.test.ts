// ACCEPTANCE E6 as a property: whatever happens, and however answers and events cross, the list ends as the engine has it.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Run, RunStatus, WaitingFor } from '../src/generated/protocol.js'
import { defineJob, observeRuns } from '../src/index.js'
import { randomOf, repeat } from './random.js'
import { type Frames, scriptedClient, settled, stubFrames } from './scripted-client.js'

const jobs = { job: defineJob({ name: 'job', run: (_step, _input: unknown) => 'done' }) }
const LIMIT = 8
const PARENT = 'run-000000'
const CHILD = { parentId: PARENT, parentStep: 'parts', childIndex: 0, rootId: PARENT } as const
const FILTERS: readonly (readonly RunStatus[])[] = [
  [],
  ['pending', 'running'],
  ['completed'],
  ['failed', 'running'],
  ['waiting'],
]
const PARENTS = [undefined, undefined, null, PARENT]
let frames: Frames

beforeEach(() => {
  frames = stubFrames()
})
afterEach(async () => {
  await frames.drain()
  vi.unstubAllGlobals()
})

function wait(engine: ReturnType<typeof scriptedClient>, run: Run, isRetry: boolean) {
  const error = { name: 'E', message: 'm', stack: undefined, causes: [], attempt: 1 }
  const failure = { ...error, code: 'error', stepName: undefined } as const
  const attempt = run.attempt + 1
  const waitingFor: WaitingFor = isRetry
    ? { kind: 'retry', stepName: undefined, attempt, until: 99, error: failure }
    : { kind: 'sleep', stepName: 'nap', until: 99 }
  const patch = { status: 'waiting', waitingFor, ...(isRetry ? { attempt } : {}) } as const
  engine.change(run.id, patch, { type: 'run:wait', waitingFor })
}

/** One thing that may happen to the engine's runs. */
function happen(engine: ReturnType<typeof scriptedClient>, random: (below: number) => number) {
  const runs = [...engine.runs.values()]
  const run = runs[random(runs.length)]
  if (run === undefined || random(3) === 0) {
    const labels = random(4) === 0 ? {} : { tenant: 'a' }
    engine.trigger(random(3) === 0 ? { labels, ...CHILD } : { labels })
  } else if (run.status === 'pending') {
    engine.start(run.id)
  } else if (run.status === 'waiting') {
    const patch = { status: 'running', waitingFor: undefined } as const
    engine.change(run.id, patch, { type: 'run:resume', attempt: run.attempt, recoveries: 0 })
  } else if (run.status === 'running') {
    if (random(3) === 0) return wait(engine, run, random(2) === 0)
    const progress = { current: random(100), total: 100, message: undefined }
    const isOver = random(2) === 0
    if (!isOver)
      engine.change(run.id, { version: run.version, progress }, { type: 'run:progress', progress })
    else if (random(2) === 0) engine.complete(run.id)
    else {
      const error = {
        name: 'E',
        message: 'm',
        stack: undefined,
        causes: [],
        attempt: 1,
        stepName: undefined,
      }
      engine.change(
        run.id,
        { status: 'failed', error: { ...error, code: 'error' }, completedAt: 1 },
        { type: 'run:fail', errorCode: 'error' },
      )
    }
  } else if (run.status === 'failed' && random(2) === 0) {
    const patch = { status: 'pending' as const, error: undefined, completedAt: undefined }
    engine.change(run.id, patch, { type: 'run:retry', attempt: 2 })
  } else {
    engine.remove(run.id)
  }
}

const kindOf = (waitingFor: { kind: string } | undefined) => waitingFor?.kind ?? null

test.each(Array.from({ length: 300 }, (_, seed) => seed))('seed %i', async (seed) => {
  const random = randomOf(seed)
  const engine = scriptedClient(jobs)
  const status = FILTERS[random(FILTERS.length)] ?? []
  const labels = random(2) === 0 ? { tenant: 'a' } : null
  const parent = PARENTS[random(PARENTS.length)]
  repeat(random(40), () => happen(engine, random))
  if (random(2) === 0) engine.hold()
  const observer = observeRuns(engine.client, {
    limit: LIMIT,
    ...(status.length > 0 ? { status } : {}),
    ...(labels === null ? {} : { labels }),
    ...(parent === undefined ? {} : { parent }),
  })
  observer.subscribe(() => undefined)
  let pages = 1
  for (let i = 0; i < 80; i++) {
    const what = random(20)
    if (what === 0) engine.hold()
    else if (what === 1) await engine.release()
    else if (what === 2) await frames.next()
    else if (what === 3) await settled()
    else if (what === 4) engine.batch(() => repeat(3, () => happen(engine, random)))
    else if (what === 5) {
      engine.silently(() => happen(engine, random))
      engine.reset()
    } else if (what === 6 && !observer.get().isFetchingNextPage && observer.get().hasNextPage) {
      pages += 1
      void observer.get().fetchNextPage()
    } else happen(engine, random)
  }
  await engine.release()
  await frames.drain()

  const { runs, hasNextPage, isFetchingNextPage, ...rest } = observer.get()
  expect(rest).toMatchObject({ status: 'ready', error: null })
  expect(isFetchingNextPage).toBe(false)
  const fitting = [...engine.runs.values()]
    .filter((run) => status.length === 0 || status.includes(run.status))
    .filter((run) => labels === null || run.labels['tenant'] === 'a')
    .filter(({ parentId = null }) => parent === undefined || parentId === parent)
    .sort((a, b) => (a.id < b.id ? 1 : -1))
  const shown = runs.map(({ id, status, version, attempt, progress, waitingFor }) => ({
    ...{ id, status, version, attempt, progress },
    waits: kindOf(waitingFor),
  }))
  const wanted = fitting
    .slice(0, runs.length)
    .map(({ id, status, version, attempt, progress = null, waitingFor }) => ({
      ...{ id, status, version, attempt, progress },
      waits: kindOf(waitingFor),
    }))
  expect(shown).toEqual(wanted)
  expect(runs.length).toBeLessThanOrEqual(pages * LIMIT)
  expect(hasNextPage || runs.length === fitting.length).toBe(true)
  // Less than half a page is missing where there is more.
  expect(runs.length).toBeGreaterThan(hasNextPage ? pages * LIMIT - LIMIT / 2 : -1)
})
