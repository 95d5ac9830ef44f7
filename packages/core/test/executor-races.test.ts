import { describe, expect, test } from 'vitest'
import { defineJob } from '../src/job.js'
import type { Step } from '../src/step.js'
import { type DurableEngine, durableEngines } from './durable-engine.js'
import { assign, executors, quiet, step as storedStep } from './scripted-engine.js'

const { serve } = executors()
const durable = durableEngines()

/** Random numbers from a seed (mulberry32). */
function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

interface Probe {
  /** What each call of the function saw, in its order. */
  readonly calls: string[][]
  /** Opens the body of a step that runs now. */
  readonly bodies: Map<string, () => void>
}

/**
 * A job of parallel chains, each of steps of random kinds with random numbers of `await`s between them, and races whose
 * winner decides which step comes next.
 */
function randomJob(seed: number, { calls, bodies }: Probe) {
  const one = async (step: Step, kind: number, name: string): Promise<unknown> => {
    if (kind === 0) return step.sleep(name, '1h')
    if (kind === 1) return step.waitForSignal(name)
    if (kind === 2) return step.run(name, () => name)
    const retry = { maxAttempts: 5, initialDelay: 5 }
    return step.run(
      name,
      ({ attempt }) =>
        new Promise((resolve, reject) => {
          const end = () => (attempt < kind - 2 ? reject(new Error('again')) : resolve(attempt))
          bodies.set(name, end)
        }),
      { retry },
    )
  }
  return defineJob({
    name: 'job',
    run: async (step) => {
      // The same for each call: the function is deterministic.
      const random = randomOf(seed)
      const seen: string[] = []
      calls.push(seen)
      const plans = Array.from({ length: 2 + random(3) }, () =>
        Array.from({ length: 1 + random(4) }, () => ({ kind: random(6), hops: random(8) })),
      )
      const chain = async (plan: (typeof plans)[number], at: number) => {
        for (const [i, { kind, hops }] of plan.entries()) {
          await one(step, kind, `${at}-${i}`)
          for (let hop = 0; hop < hops; hop++) await null
          seen.push(`${at}-${i}`)
        }
        return at
      }
      const chains = plans.map(chain)
      const winner = await Promise.race(chains)
      await one(step, 2, `won-by-${winner}`)
      seen.push(`won-by-${winner}`)
      await Promise.all(chains)
      return winner
    },
  })
}

/** Ends bodies and waits in random order, one by one or several at once, until the run has ended. */
async function drive(engine: DurableEngine, probe: Probe, random: (below: number) => number) {
  const run = engine.run()
  for (let turn = 0; run.status === 'running' || run.status === 'waiting'; turn++) {
    if (turn > 500) throw new Error('the run does not end')
    for (let i = 0; i <= random(3); i++) act(engine, probe, random)
    if (random(4) > 0) await quiet()
  }
}

function act(engine: DurableEngine, { bodies }: Probe, random: (below: number) => number): void {
  const run = engine.run()
  const waiting = [...run.steps.values()].filter(({ status }) => status === 'waiting')
  const choice = random(bodies.size + waiting.length + 1)
  const body = [...bodies][choice]
  if (body !== undefined) {
    bodies.delete(body[0])
    body[1]()
    return
  }
  const wait = waiting[choice - bodies.size]
  if (wait === undefined) return
  if (wait.kind === 'run') engine.end(wait.name, 'again')
  else engine.end(wait.name, wait.kind === 'signal' ? { output: '"go"' } : {})
}

const SEEDS = Array.from({ length: 60 }, (_, seed) => seed + 1)

describe('a random job', () => {
  test.each(SEEDS)('of seed %i ends in a replay as it ended where it was parked', async (seed) => {
    const probe: Probe = { calls: [], bodies: new Map() }
    const job = randomJob(seed, probe)
    const engine = await durable({ job })
    engine.start('job')
    await drive(engine, probe, randomOf(seed + 1_000))
    const { status, output, steps } = engine.run()
    expect(status).toBe('completed')
    expect(probe.calls).toHaveLength(1)

    const again = await durable({ job })
    again.start('job', { memo: ordered([...steps.values()]) })
    expect((await again.ended()).output).toBe(output)
    expect(again.said).toEqual(['runComplete'])
    expect(probe.calls[1]).toEqual(probe.calls[0])
  })

  test.each(SEEDS)('of seed %i takes the same way in each of its replays', async (seed) => {
    const probe: Probe = { calls: [], bodies: new Map() }
    const engine = await durable({ job: randomJob(seed, probe) })
    engine.claims = 'assign'
    engine.start('job')
    await drive(engine, probe, randomOf(seed + 2_000))
    expect(engine.run().status).toBe('completed')
    const last = probe.calls.at(-1) ?? []
    for (const call of probe.calls) expect(call).toEqual(last.slice(0, call.length))
  })
})

function ordered(steps: ReturnType<typeof storedStep>[]) {
  return steps.sort((a, b) => (a.completedIndex ?? 0) - (b.completedIndex ?? 0))
}

describe('outcomes that come together', () => {
  const SLEEP = storedStep('nap', { kind: 'sleep', completedIndex: 0 })
  const SIGNAL = storedStep('go', { kind: 'signal', completedIndex: 1, output: '"v"' })

  /** How it went on after the race of a sleep, a signal and a step. */
  function race(order: string[]) {
    return defineJob({
      name: 'job',
      run: async (step) => {
        const then = (name: string, hops: number) => async () => {
          for (let i = 0; i < hops; i++) await null
          order.push(name)
          return name
        }
        const nap = step.sleep('nap', 5).then(then('nap', 50))
        const go = step.waitForSignal('go').then(then('go', 5))
        const ran = step.run('ran', () => 1).then(then('ran', 0))
        const first = await Promise.race([nap, go, ran])
        await Promise.all([nap, go, ran])
        return first
      },
    })
  }

  test('from the engine reach the code in its order, each after the one before has gone on', async () => {
    const order: string[] = []
    const engine = await serve({ job: race(order) })
    engine.send(assign('job'))
    await engine.take('stepWait')
    await engine.take('stepWait')
    await engine.next('stepStart')
    const { seq } = await engine.next('stepCommit')
    const resolved = { type: 'resolved', runId: 'run-1', generation: 1 } as const
    engine.send(
      { ...resolved, step: SLEEP },
      { ...resolved, step: SIGNAL },
      { type: 'ack', seqs: [seq] },
    )
    expect((await engine.take('runComplete')).output).toBe('"nap"')
    expect(order).toEqual(['nap', 'go', 'ran'])
  })

  test('with a resumption do so too', async () => {
    const order: string[] = []
    const engine = await serve({ job: race(order) })
    engine.send(assign('job'))
    await engine.take('stepWait')
    await engine.take('stepWait')
    await engine.next('stepStart')
    await engine.take('stepCommit')
    await engine.take('suspend')
    const steps = [
      { ...SLEEP, completedIndex: 1 },
      { ...SIGNAL, completedIndex: 2 },
    ]
    engine.send({ type: 'resume', runId: 'run-1', generation: 2, timeoutMs: undefined, steps })
    expect((await engine.take('runComplete')).output).toBe('"ran"')
    expect(order).toEqual(['ran', 'nap', 'go'])
  })

  test('and in a replay', async () => {
    const order: string[] = []
    const engine = await serve({ job: race(order) })
    const memo = [SLEEP, SIGNAL, storedStep('ran', { completedIndex: 2, output: '1' })]
    engine.send(assign('job', { memo }))
    expect((await engine.take('runComplete')).output).toBe('"nap"')
    expect(order).toEqual(['nap', 'go', 'ran'])
  })

  test('one that ends while earlier ones are replayed comes after them', async () => {
    const order: string[] = []
    const engine = await serve({ job: race(order) })
    const memo = [
      storedStep('ran', { completedIndex: 0, output: '1' }),
      storedStep('go', { kind: 'signal', completedIndex: 1, output: '"v"' }),
      storedStep('nap', { kind: 'sleep', status: 'waiting', completedIndex: undefined }),
    ]
    engine.send(assign('job', { memo }), {
      type: 'resolved',
      runId: 'run-1',
      generation: 1,
      step: { ...SLEEP, completedIndex: 2 },
    })
    expect((await engine.take('runComplete')).output).toBe('"ran"')
    expect(order).toEqual(['ran', 'go', 'nap'])
  })
})
