// As a property: whatever happens to a run, its steps, its waits and its children, and however answers and events cross,
// what `useRun` shows ends as the engine has it.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Run, Step } from '../src/generated/protocol.js'
import { defineJob, observeRun } from '../src/index.js'
import { randomOf, repeat } from './random.js'
import { type Frames, scriptedClient, settled, stubFrames } from './scripted-client.js'
import { scriptedRun } from './scripted-waits.js'

const jobs = { job: defineJob({ name: 'job', run: (_step, _input: unknown) => 'done' }) }
let frames: Frames

beforeEach(() => {
  frames = stubFrames()
})
afterEach(async () => {
  await frames.drain()
  vi.unstubAllGlobals()
})

const kindOf = (waitingFor: { kind: string } | null | undefined) => waitingFor?.kind ?? null

function engineView(run: Run, steps: readonly Step[], runs: readonly Run[]) {
  const children = runs.filter(({ parentId }) => parentId === run.id)
  const { version, attempt, recoveries, stepCount } = run
  return {
    status: run.status,
    waitingFor: kindOf(run.waitingFor),
    ...{ version, attempt, recoveries, stepCount },
    progress: run.progress ?? null,
    steps: steps.map(({ name, kind, status, attempt, completedIndex, waitingFor, error }) => ({
      ...{ name, kind, status, attempt },
      completedIndex: completedIndex ?? null,
      waitingFor: kindOf(waitingFor),
      error: error?.message,
    })),
    children: children.map(({ id, status }) => `${id} ${status}`).sort(),
  }
}

test.each(Array.from({ length: 300 }, (_, seed) => seed))('seed %i', async (seed) => {
  const random = randomOf(seed)
  const engine = scriptedClient(jobs)
  const runId = engine.trigger()
  const script = scriptedRun(engine, runId, random)
  repeat(random(20), () => script.happen())
  if (random(2) === 0) engine.hold()
  const observer = observeRun(engine.client, runId)
  observer.subscribe(() => undefined)
  for (let i = 0; i < 120; i++) {
    const what = random(20)
    if (what === 0) engine.hold()
    else if (what === 1) await engine.release()
    else if (what === 2) await frames.next()
    else if (what === 3) await settled()
    else if (what === 4) {
      engine.silently(() => script.happen())
      engine.reset()
    } else script.happen()
  }
  await engine.release()
  await frames.drain()

  const { run, steps, children, waitingFor, status } = observer.get()
  const { version, attempt, recoveries, stepCount } = run ?? {}
  const stored = engine.runs.get(runId)
  if (stored === undefined) throw new Error('the run is gone')
  expect({
    status,
    waitingFor: kindOf(waitingFor),
    ...{ version, attempt, recoveries, stepCount },
    progress: run?.progress,
    steps: steps.map(({ name, kind, status, attempt, completedIndex, waitingFor, error }) => ({
      ...{ name, kind, status, attempt, completedIndex },
      waitingFor: kindOf(waitingFor),
      error: error?.message,
    })),
    children: children.map(({ runId, status }) => `${runId} ${status}`).sort(),
  }).toEqual(engineView(stored, engine.steps.get(runId) ?? [], [...engine.runs.values()]))
  const places = children.map(({ stepName, index }) => `${stepName} ${index}`)
  expect(new Set(places).size).toBe(places.length)
})
