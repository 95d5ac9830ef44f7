import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createStepwell,
  defineJob,
  isStepwellError,
  observeJob,
  observeLogs,
  observeRun,
  observeStatus,
} from '../src/index.js'

const greet = defineJob({ name: 'greet', input: z.string(), run: (_step, name) => `Hi ${name}` })
const jobs = { greet, VERSION: 1 }
const worker = () => new Worker('jobs.js')

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (reason: unknown) => (isStepwellError(reason) ? reason.code : 'other'),
  )
function messageOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (isStepwellError(error, 'invalid_input')) return error.message
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('createStepwell', () => {
  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ['nothing', undefined, /at least jobs/],
    ['no jobs', {}, /jobs of createStepwell.*undefined/],
    ['jobs that are none', { jobs: 'x' }, /jobs of createStepwell/],
    [
      'two jobs of a name',
      { jobs: { greet, b: defineJob({ name: 'greet', run: () => 1 }) } },
      /Two/,
    ],
    ['a worker that is none', { jobs, worker: 'jobs.js' }, /worker of createStepwell/],
    ['an empty database', { jobs, database: '' }, /database of createStepwell/],
    ['a long database', { jobs, database: 'x'.repeat(65) }, /database of createStepwell/],
    ['a long encoded database', { jobs, database: '語'.repeat(40) }, /database of .*too long/],
    ['half a character', { jobs, database: '\ud800' }, /database of .*surrogate/],
    ['another durability', { jobs, durability: 'lax' }, /durability of createStepwell/],
    ['another storage', { jobs, storage: 'idb' }, /storage of createStepwell/],
    ['no concurrency', { jobs, concurrency: 0 }, /concurrency of createStepwell/],
    ['NaN concurrency', { jobs, concurrency: Number.NaN }, /concurrency of createStepwell/],
    ['no executors', { jobs, worker, executors: 0 }, /executors of createStepwell.*1 to 16.*0/],
    ['negative executors', { jobs, worker, executors: -1 }, /executors of createStepwell.*-1/],
    ['half an executor', { jobs, worker, executors: 1.5 }, /executors of createStepwell.*1.5/],
    ['NaN executors', { jobs, worker, executors: Number.NaN }, /executors of .*NaN/],
    ['executors as text', { jobs, worker, executors: '2' }, /executors of createStepwell.*"2"/],
    ['null executors', { jobs, worker, executors: null }, /executors of createStepwell.*null/],
    ['too many executors', { jobs, worker, executors: 17 }, /executors of createStepwell.*17/],
    ['several executors without a worker', { jobs, executors: 2 }, /executors .* option worker/],
    ['a context that is a value', { jobs, context: { token: 'x' } }, /context of .*a function/],
    ['an empty context', { jobs, context: '' }, /context of createStepwell must be a function/],
    ['a null context', { jobs, context: null }, /context of createStepwell.*null/],
    ['a misspelt option', { jobs, databse: 'x' }, /does not know the option "databse"/],
  ]
  test.each(bad)('refuses %s', (_what, options, message) => {
    expect(messageOf(() => Reflect.apply(createStepwell, undefined, [options]))).toMatch(message)
  })
})

describe('in Node', () => {
  const client = createStepwell({ jobs, database: 'Ümlaut / name' })

  test('creating touches nothing, and the state stays connecting', () => {
    const symbols = Object.getOwnPropertySymbols(globalThis).map(String)
    expect(symbols.filter((text) => text.includes('stepwell'))).toEqual([])
    expect(client.status).toMatchObject({ state: 'connecting', role: 'none', error: null })
    const off = client.onStatus(() => undefined)
    off()
    expect(client.status.state).toBe('connecting')
  })

  test('a command says that jobs run in a browser', async () => {
    expect(await codeOf(client.trigger(greet, 'Ada'))).toBe('storage_unavailable')
    expect(await codeOf(client.getRun('x'))).toBe('storage_unavailable')
    expect(await codeOf(client.persist())).toBe('storage_unavailable')
  })

  test('what is wrong with a command is told first', async () => {
    const calls: readonly (readonly [Promise<unknown>, string])[] = [
      [Reflect.apply(client.trigger, client, ['nope']), 'not_found'],
      [Reflect.apply(client.trigger, client, [7]), 'invalid_input'],
      [Reflect.apply(client.trigger, client, [greet, 7]), 'invalid_input'],
      [Reflect.apply(client.trigger, client, [greet, 'x', { dely: 5 }]), 'invalid_input'],
      [Reflect.apply(client.triggerAndWait, client, [greet, 'x', { timeout: 0 }]), 'invalid_input'],
      [client.getRun(''), 'invalid_input'],
      [client.getRuns({ limit: 0 }), 'invalid_input'],
      [client.getRuns({ limit: 1001 }), 'invalid_input'],
      [client.getRuns({ status: [] }), 'invalid_input'],
      [Reflect.apply(client.getRuns, client, [{ job: 'nope' }]), 'not_found'],
      [client.getLogs('x', { limit: Number.NaN }), 'invalid_input'],
      [client.getLogs('x', { cursor: -1 }), 'invalid_input'],
      [Reflect.apply(client.getSteps, client, ['x', { outputs: 1 }]), 'invalid_input'],
      [client.waitForRun('x', { timeout: -1 }), 'invalid_input'],
      [Reflect.apply(client.waitForRun, client, ['x', { signal: {} }]), 'invalid_input'],
      [client.cancel(''), 'invalid_input'],
      [client.retry(''), 'invalid_input'],
    ]
    const codes = await Promise.all(calls.map(([promise]) => codeOf(promise)))
    expect(codes).toEqual(calls.map(([, code]) => code))
  })

  test('observers show what a server shows', () => {
    expect(observeRun(client, 'x').getServer()).toMatchObject({
      status: 'loading',
      isLoading: true,
    })
    expect(observeRun(client, null).getServer()).toMatchObject({ status: 'idle' })
    const job = observeJob(client, greet).getServer()
    expect(job).toMatchObject({ status: 'loading', runId: null, triggerError: null })
    expect(Object.isFrozen(job)).toBe(true)
    expect(observeLogs(client, 'x').getServer()).toMatchObject({ status: 'loading', logs: [] })
    expect(observeStatus(client).getServer()).toMatchObject({ state: 'connecting' })
  })

  test('close works, twice too', async () => {
    const other = createStepwell({ jobs })
    await other.close()
    await other.close()
    expect(other.status.state).toBe('closed')
    expect(await codeOf(other.getRun('x'))).toBe('closed')
  })
})
