/** What the commands of a client send, and what they make of the answers. */
import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { createCommands } from '../src/client/commands.js'
import { triggerAndWait } from '../src/client/trigger-and-wait.js'
import { createCodec } from '../src/codec/codec.js'
import type { Command, Disposition, Reply, Run } from '../src/generated/protocol.js'
import { defineJob } from '../src/index.js'
import { collectJobs } from '../src/job.js'
import { greetRun, scriptedConnection } from './scripted-connection.js'

const greet = defineJob({
  name: 'greet',
  input: z.string().trim(),
  maxRecoveries: 3,
  retry: { maxAttempts: 5, initialDelay: '2s', factor: 3, maxDelay: '1h', jitter: 0 },
  timeout: '5m',
  run: (_step, name) => `Hi ${name}`,
})
const bill = defineJob({
  name: 'bill',
  labels: z.object({
    tenant: z.string().toLowerCase(),
    source: z.enum(['web', 'api']).default('web'),
    note: z.string().optional(),
  }),
  run: (_step, amount: number) => amount,
})
const open = defineJob({ name: 'open', run: () => 1 })
const jobs = { greet, bill, open }

function client(answer: (command: Command) => Reply) {
  const script = scriptedConnection(answer)
  return {
    ...script,
    commands: createCommands(script.connection, collectJobs(jobs), createCodec()),
  }
}
const triggered = (disposition: Disposition, run: Partial<Run> = {}): Reply => ({
  type: 'triggered',
  result: { run: greetRun(run), disposition },
})
const gone: Reply = { type: 'error', error: { code: 'not_found', message: 'No.' } }

const DEFAULTS = {
  blobs: [],
  coalesce: false,
  concurrencyKey: undefined,
  delayMs: undefined,
  idempotencyKey: undefined,
  labels: {},
  maxRecoveries: undefined,
  priority: undefined,
  retry: undefined,
  startAt: undefined,
  timeoutMs: undefined,
}

describe('trigger', () => {
  test('sends the parsed input and every option', async () => {
    const { commands, sent } = client(() => triggered('created'))
    const startAt = new Date(1_900_000_000_000)
    const options = {
      idempotencyKey: '🔑'.repeat(256),
      concurrencyKey: 'c',
      coalesce: 'skip',
      labels: { 'Team.a_b-c/1': '' },
      startAt,
      priority: -1000,
    }
    await commands.trigger('greet', ' Ada ', options)
    await commands.trigger(open, undefined, { delay: '1.5s', priority: 1000 })
    await commands.trigger(open, undefined, { startAt: startAt.getTime() })
    await commands.trigger(open, undefined, { idempotencyKey: undefined, labels: {} })
    expect(sent).toEqual([
      {
        type: 'trigger',
        run: {
          ...DEFAULTS,
          jobName: 'greet',
          input: '"Ada"',
          maxRecoveries: 3,
          retry: {
            maxAttempts: 5,
            initialDelayMs: 2000,
            factor: 3,
            maxDelayMs: 3_600_000,
            jitter: 0,
          },
          timeoutMs: 300_000,
          idempotencyKey: '🔑'.repeat(256),
          concurrencyKey: 'c',
          coalesce: true,
          labels: { 'Team.a_b-c/1': '' },
          startAt: 1_900_000_000_000,
          priority: -1000,
        },
      },
      {
        type: 'trigger',
        run: { ...DEFAULTS, jobName: 'open', input: '', delayMs: 1500, priority: 1000 },
      },
      {
        type: 'trigger',
        run: { ...DEFAULTS, jobName: 'open', input: '', startAt: 1_900_000_000_000 },
      },
      { type: 'trigger', run: { ...DEFAULTS, jobName: 'open', input: '' } },
    ])
  })

  test('stores what the schema makes of the labels; one that is undefined is left out', async () => {
    const { commands, sent } = client(() => triggered('created'))
    await commands.trigger(bill, 3, { labels: { tenant: 'ACME' } })
    expect(sent).toMatchObject([{ run: { labels: { tenant: 'acme', source: 'web' } } }])
  })

  test.each(['created', 'idempotent', 'coalesced'] as const)('tells %s', async (disposition) => {
    const run = { id: 'run-7', concurrencyKey: 'c', idempotencyKey: 'i', priority: 5, startAt: 9 }
    const { commands } = client(() => triggered(disposition, run))
    expect(await commands.trigger(greet, 'Ada', undefined)).toMatchObject({
      id: 'run-7',
      disposition,
      run: { input: 'Ada', logCount: 0, ...run },
    })
  })

  test('a conflict is that error', async () => {
    const error = { code: 'conflict' as const, message: 'The run x is pending.' }
    const { commands } = client(() => ({ type: 'error', error }))
    const options = { concurrencyKey: 'c' }
    await expect(commands.trigger(greet, 'Ada', options)).rejects.toMatchObject(error)
  })
})

describe('triggerAndWait', () => {
  test.each(['created', 'idempotent', 'coalesced'] as const)(
    'triggers with the options for it, waits with the others, and tells %s',
    async (disposition) => {
      const done = greetRun({ status: 'completed', output: '"Hi Ada"', completedAt: 5 })
      const { commands, sent } = client(({ type }) =>
        type === 'trigger' ? triggered(disposition) : { type: 'run', run: done },
      )
      const options = { concurrencyKey: 'c', coalesce: 'skip', delay: 5, timeout: '1m' }
      expect(await triggerAndWait(commands, greet, 'Ada', options)).toEqual({
        id: 'run-1',
        disposition,
        output: 'Hi Ada',
      })
      expect(sent[0]).toMatchObject({ run: { concurrencyKey: 'c', coalesce: true, delayMs: 5 } })
    },
  )
})

describe('batchTrigger', () => {
  test('is one command, with the results in order', async () => {
    const { commands, sent } = client(() => ({
      type: 'batchTriggered',
      results: [
        { run: greetRun({ id: 'a' }), disposition: 'created' },
        { run: greetRun({ id: 'b' }), disposition: 'coalesced' },
      ],
    }))
    const items = [{ input: ' Ada' }, { input: 'Bob', concurrencyKey: 'c', coalesce: 'skip' }]
    const results = await commands.batchTrigger(greet, items)
    expect(results.map(({ id, disposition }) => [id, disposition])).toEqual([
      ['a', 'created'],
      ['b', 'coalesced'],
    ])
    expect(sent).toMatchObject([
      { type: 'batchTrigger', runs: [{ input: '"Ada"' }, { input: '"Bob"', coalesce: true }] },
    ])
  })

  test('an input that has a key `input` is the input', async () => {
    const nested = defineJob({ name: 'nested', run: (_step, value: { input: number }) => value })
    const script = scriptedConnection(() => ({ type: 'batchTriggered', results: [] }))
    const commands = createCommands(script.connection, collectJobs({ nested }), createCodec())
    await commands.batchTrigger(nested, [{ input: { input: 1 } }])
    expect(script.sent).toMatchObject([{ runs: [{ input: '{"input":1}' }] }])
  })

  test('nothing is asked for nothing', async () => {
    const { commands, sent } = client(() => gone)
    expect(await commands.batchTrigger(greet, [])).toEqual([])
    expect(sent).toEqual([])
    await expect(commands.batchTrigger('nope', [])).rejects.toMatchObject({ code: 'not_found' })
  })

  test("the engine's refusal names the item as the caller knows it", async () => {
    const error = { code: 'conflict' as const, message: 'runs[3]: The run x is pending.' }
    const { commands } = client(() => ({ type: 'error', error }))
    await expect(commands.batchTrigger(greet, [{ input: 'Ada' }])).rejects.toMatchObject({
      code: 'conflict',
      message: 'items[3]: The run x is pending.',
    })
  })
})

describe('retrigger', () => {
  const ended = { status: 'failed' as const, completedAt: 5 }

  test('sends the stored input as today schema makes it', async () => {
    const { commands, sent } = client(({ type }) =>
      type === 'getRun'
        ? { type: 'run', run: greetRun({ ...ended, input: '" Ada "' }) }
        : triggered('created', { id: 'run-2' }),
    )
    expect(await commands.retrigger('run-1')).toMatchObject({ id: 'run-2', disposition: 'created' })
    expect(sent[1]).toEqual({ type: 'retrigger', runId: 'run-1', input: '"Ada"', blobs: [] })
  })

  test.each([
    ['an unknown run', undefined, 'not_found', /run-1/],
    ['an active run', { status: 'running' as const }, 'conflict', /running/],
    ['a job that is gone', { ...ended, jobName: 'old' }, 'not_found', /no job "old"/],
    [
      'an input that no longer fits',
      { ...ended, input: '7' },
      'invalid_input',
      /stored input.*run-1/,
    ],
  ])('refuses %s', async (_what, run, code, message) => {
    const { commands, sent } = client(() => ({ type: 'run', run: run && greetRun(run) }))
    await expect(commands.retrigger('run-1')).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
    expect(sent.map(({ type }) => type)).toEqual(['getRun'])
  })
})

describe('purgeRuns', () => {
  /** A database with so many old runs. */
  function database(old: number) {
    let left = old
    return client((command) => {
      if (command.type !== 'purgeRuns') throw new Error(command.type)
      const count = Math.min(left, command.limit)
      left -= count
      return { type: 'deleted', count, hasMore: left > 0 }
    })
  }

  test.each([
    [250, undefined, 250, [100, 100, 100]],
    [200, undefined, 200, [100, 100]],
    [0, undefined, 0, [100]],
    [250, 1, 1, [1]],
    [250, 120, 120, [100, 20]],
    [50, 120, 50, [100]],
  ])('%i old runs, limit %s', async (old, limit, deleted, limits) => {
    const { commands, sent } = database(old)
    expect(await commands.purgeRuns({ olderThan: '1d', limit })).toBe(deleted)
    expect(sent).toEqual(
      limits.map((each) => ({ type: 'purgeRuns', olderThanMs: 86_400_000, limit: each })),
    )
  })
})

test('purgeRuns goes on where a command had enough to do with a part of the descendants', async () => {
  const counts = [0, 0, 1]
  const { commands, sent } = client(() => {
    const count = counts.shift() ?? 0
    return { type: 'deleted', count, hasMore: counts.length > 0 }
  })
  expect(await commands.purgeRuns({ olderThan: '1d', limit: 5 })).toBe(1)
  expect(sent).toHaveLength(3)
})

test('getRuns sends every filter, and deleteRun its id', async () => {
  const { commands, sent } = client(({ type }) =>
    type === 'getRuns'
      ? { type: 'runs', page: { runs: [greetRun()], nextCursor: undefined } }
      : { type: 'deleted', count: 1, hasMore: false },
  )
  const page = await commands.getRuns({
    job: [greet, 'bill'],
    status: 'failed',
    labels: { tenant: 'acme' },
    createdAfter: new Date(1000),
    createdBefore: 2000,
    parent: 'run-0',
    cursor: '01900000-0000-7000-8000-000000000009',
    limit: 7,
  })
  expect(page).toMatchObject({ runs: [{ id: 'run-1' }], nextCursor: null })
  await commands.getRuns(undefined)
  expect(await commands.deleteRun('run-1')).toBeUndefined()
  expect(sent).toEqual([
    {
      type: 'getRuns',
      filter: {
        jobNames: ['greet', 'bill'],
        statuses: ['failed'],
        labels: { tenant: 'acme' },
        createdAfter: 1000,
        createdBefore: 2000,
        parentId: 'run-0',
        rootsOnly: false,
        cursor: '01900000-0000-7000-8000-000000000009',
        limit: 7,
      },
    },
    {
      type: 'getRuns',
      filter: {
        jobNames: [],
        statuses: [],
        labels: {},
        createdAfter: undefined,
        createdBefore: undefined,
        parentId: undefined,
        rootsOnly: false,
        cursor: undefined,
        limit: 50,
      },
    },
    { type: 'deleteRun', runId: 'run-1' },
  ])
})

test('getRuns of a parent that is null is of runs without a parent', async () => {
  const page = { runs: [], nextCursor: undefined }
  const { commands, sent } = client(() => ({ type: 'runs', page }))
  await commands.getRuns({ parent: null })
  expect(sent).toMatchObject([{ filter: { parentId: undefined, rootsOnly: true } }])
})

test('a run that is deleted while it is waited for is not_found', async () => {
  let run: Run | undefined = greetRun({ status: 'running' })
  const { commands, emit, sent } = client(() => ({ type: 'run', run }))
  const waiting = commands.waitForRun('run-1', {})
  await expect.poll(() => sent.length).toBe(1)
  run = undefined
  emit({
    ...{ sequence: 1, timestamp: 1, runId: 'run-1', jobName: 'greet', labels: {}, version: 3 },
    parentId: undefined,
    status: 'completed',
    type: 'run:delete',
  })
  await expect(waiting).rejects.toMatchObject({ code: 'not_found' })
})

test('a timeout of a month is not cut to the 24.8 days of a timer', async () => {
  vi.useFakeTimers()
  try {
    const run = greetRun({ status: 'running' })
    const { commands } = client(() => ({ type: 'run', run }))
    const waiting = commands.waitForRun('run-1', { timeout: '30d' })
    let outcome: unknown = 'waits'
    waiting.catch((reason: unknown) => {
      outcome = reason
    })
    const dayMs = 24 * 60 * 60 * 1000
    await vi.advanceTimersByTimeAsync(30 * dayMs - 1)
    expect(outcome).toBe('waits')
    await vi.advanceTimersByTimeAsync(1)
    expect(outcome).toMatchObject({ code: 'timeout' })
  } finally {
    vi.useRealTimers()
  }
})
