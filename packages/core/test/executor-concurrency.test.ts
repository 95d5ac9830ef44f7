import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Executor, startExecutor } from '../src/executor/runtime.js'
import type { NewLog } from '../src/generated/protocol.js'
import { collectJobs, defineJob } from '../src/job.js'
import {
  assign,
  gate,
  type ScriptedEngine,
  scriptedEngine,
  welcomedExecutor,
} from './scripted-engine.js'

let open: { executor: Executor; engine: ScriptedEngine }[] = []
/** Lines that nothing takes along leave alone after 100 ms: here that time never comes, however slow the machine. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
  for (const { executor, engine } of open) {
    executor.close()
    engine.close()
  }
  open = []
})

async function serve(jobs: object): Promise<ScriptedEngine> {
  const started = await welcomedExecutor(jobs)
  open.push(started)
  return started.engine
}

test('hello tells each job with its limit and its need of the network', async () => {
  const { engine, connect } = scriptedEngine()
  const one = defineJob({ name: 'one', concurrency: 1, network: 'online', run: () => 1 })
  const any = defineJob({ name: 'any', run: () => 1 })
  const executor = startExecutor({ jobs: collectJobs({ one, any }), connect })
  open.push({ executor, engine })
  expect(await engine.next('hello')).toMatchObject({
    slots: 4,
    jobs: [
      { name: 'one', concurrency: 1, needsNetwork: true },
      { name: 'any', concurrency: undefined, needsNetwork: false },
    ],
  })
})

test('a job reads the labels of its run', async () => {
  const job = defineJob({ name: 'job', run: (step) => step.labels })
  const engine = await serve({ job })
  engine.send(assign('job', { labels: { customer: '7' } }))
  expect((await engine.take('runComplete')).output).toBe('{"customer":"7"}')
})

describe('several runs in one executor', () => {
  test('overlap, and the lines of their parallel steps name the right run and step', async () => {
    const gates = new Map<string, ReturnType<typeof gate<void>>>()
    const gateOf = (name: string) => {
      const known = gates.get(name) ?? gate<void>()
      gates.set(name, known)
      return known
    }
    const job = defineJob({
      name: 'job',
      run: (step, run: string) => {
        const one = (name: string) =>
          step.run(name, async ({ log }) => {
            log.info(`${run} ${name} begins`)
            await gateOf(`${run} ${name}`).promise
            log.info(`${run} ${name} ends`)
            return `${run} ${name}`
          })
        return Promise.all([one('a'), one('b')])
      },
    })
    const engine = await serve({ job })
    const runs = ['r1', 'r2']
    engine.send(...runs.map((runId) => assign('job', { runId, input: JSON.stringify(runId) })))
    const started: string[] = []
    for (let i = 0; i < 4; i++) {
      const { runId, stepName } = await engine.next('stepStart')
      started.push(`${runId} ${stepName}`)
    }
    expect(started).toEqual(['r1 a', 'r1 b', 'r2 a', 'r2 b'])

    const lines: (NewLog & { run: string })[] = []
    const ended: string[] = []
    for (const name of ['r2 b', 'r1 a', 'r2 a', 'r1 b']) {
      gateOf(name).open()
      const { runId, stepName, output, report } = await engine.take('stepCommit')
      expect(output).toBe(JSON.stringify(name))
      ended.push(`${runId} ${stepName}`)
      lines.push(...report.logs.map((line) => ({ ...line, run: runId })))
      if (name === 'r2 a') {
        expect((await engine.take('runComplete')).output).toBe('["r2 a","r2 b"]')
      }
    }
    expect(ended).toEqual(['r2 b', 'r1 a', 'r2 a', 'r1 b'])
    expect((await engine.take('runComplete')).output).toBe('["r1 a","r1 b"]')
    expect(lines).toHaveLength(8)
    for (const { run, stepName, message } of lines) {
      expect([`${run} ${stepName} begins`, `${run} ${stepName} ends`]).toContain(message)
    }
  })

  test('the signal of one that is cancelled fires, and that of the other does not', async () => {
    const seen: Record<string, string> = {}
    const end = gate()
    const job = defineJob({
      name: 'job',
      run: async (step, run: string) => {
        const value = await step.run('wait', async ({ signal }) => {
          signal.addEventListener('abort', () => {
            seen[run] = `aborted, as ${step.signal.aborted ? 'the run' : 'nothing'}`
          })
          await end.promise
          return run
        })
        step.throwIfAborted()
        return value
      },
    })
    const engine = await serve({ job })
    const runs = ['r1', 'r2']
    engine.send(...runs.map((runId) => assign('job', { runId, input: JSON.stringify(runId) })))
    for (const _ of runs) await engine.next('stepStart')
    engine.send({ type: 'abort', runId: 'r1', generation: 1, reason: 'cancelled' })
    expect(await engine.next('released')).toMatchObject({ runId: 'r1' })
    end.open()
    expect(await engine.take('stepCommit')).toMatchObject({ runId: 'r2', output: '"r2"' })
    expect(await engine.take('runComplete')).toMatchObject({ runId: 'r2', output: '"r2"' })
    expect(await engine.rest()).toEqual([])
    expect(seen).toEqual({ r1: 'aborted, as the run' })
  })
})
