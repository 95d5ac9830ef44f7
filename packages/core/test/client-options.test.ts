/** What is wrong with an option is `invalid_input`, names the option, and nothing is sent. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createCommands } from '../src/client/commands.js'
import { checkExportOptions, checkImport } from '../src/client/transfer-options.js'
import { triggerAndWait } from '../src/client/trigger-and-wait.js'
import { createCodec } from '../src/codec/codec.js'
import { isStepwellError } from '../src/errors.js'
import { createStepwell, defineJob } from '../src/index.js'
import { collectJobs } from '../src/job.js'
import { scriptedConnection } from './scripted-connection.js'

const greet = defineJob({ name: 'greet', input: z.string(), run: (_step, name) => `Hi ${name}` })
const bill = defineJob({
  name: 'bill',
  labels: z.object({ tenant: z.string().min(2) }),
  run: (_step, amount: number) => amount,
})
const upper = defineJob({
  name: 'upper',
  labels: z.object({ tenant: z.string() }).transform(() => JSON.parse('{"no good": "x"}')),
  run: () => 1,
})
const jobs = collectJobs({ greet, bill, upper })

function client() {
  const script = scriptedConnection((command) => {
    throw new Error(`${command.type} was sent`)
  })
  return { ...script, commands: createCommands(script.connection, jobs, createCodec()) }
}

async function refusal(call: () => unknown): Promise<string> {
  try {
    await call()
  } catch (error) {
    if (isStepwellError(error, 'invalid_input')) return error.message
    throw error
  }
  throw new Error('nothing was refused')
}

const labels = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']))

/** What every text of a key, every count and every time must not be. */
const keys = (name: string): readonly (readonly [string, unknown, RegExp])[] => [
  [`an empty ${name}`, { [name]: '' }, new RegExp(`${name} of trigger is empty`)],
  [`${name} as a number`, { [name]: 7 }, new RegExp(`${name} of trigger must be a text.*7`)],
  [`${name} as null`, { [name]: null }, new RegExp(`${name} of trigger.*null`)],
  [`a long ${name}`, { [name]: 'x'.repeat(257) }, new RegExp(`${name}.*256.*257`)],
  [`half a character in ${name}`, { [name]: 'a\ud800' }, new RegExp(`${name}.*surrogate`)],
]

const badTriggers: readonly (readonly [string, unknown, RegExp])[] = [
  ['options that are none', 'soon', /trigger takes an object.*"soon"/],
  ['a list of options', [], /trigger takes an object/],
  ['a misspelt option', { dely: 5 }, /trigger does not know the option "dely"/],
  ...keys('idempotencyKey'),
  ...keys('concurrencyKey'),
  ['coalesce without a key', { coalesce: 'skip' }, /coalesce of trigger needs a concurrencyKey/],
  ['another coalesce', { coalesce: 'latest', concurrencyKey: 'a' }, /coalesce.*'skip'.*"latest"/],
  ['coalesce as true', { coalesce: true, concurrencyKey: 'a' }, /coalesce.*'skip'.*true/],
  ['no delay', { delay: 0 }, /delay of trigger.*0/],
  ['a negative delay', { delay: -5 }, /delay of trigger.*-5/],
  ['a negative delay as text', { delay: '-5s' }, /delay of trigger.*"-5s"/],
  ['half a millisecond', { delay: 0.5 }, /delay of trigger.*0.5/],
  ['a delay of no unit', { delay: '5' }, /delay of trigger.*"5"/],
  ['an empty delay', { delay: '' }, /delay of trigger.*""/],
  ['a NaN delay', { delay: Number.NaN }, /delay of trigger.*NaN/],
  ['a delay of a century and more', { delay: '40000d' }, /delay of trigger/],
  ['startAt 0', { startAt: 0 }, /startAt of trigger.*0/],
  ['a negative startAt', { startAt: -1 }, /startAt of trigger.*-1/],
  ['startAt in half milliseconds', { startAt: 1.5 }, /startAt of trigger.*1.5/],
  ['a NaN startAt', { startAt: Number.NaN }, /startAt of trigger.*NaN/],
  ['an invalid Date', { startAt: new Date('soon') }, /startAt of trigger.*NaN/],
  ['startAt as text', { startAt: '2027-01-01' }, /startAt of trigger.*"2027-01-01"/],
  ['startAt beyond dates', { startAt: 9e15 }, /startAt of trigger/],
  ['both', { delay: 5, startAt: new Date() }, /both delay and startAt/],
  ['priority as text', { priority: '1' }, /priority of trigger.*"1"/],
  ['half a priority', { priority: 0.5 }, /priority of trigger.*0.5/],
  ['a NaN priority', { priority: Number.NaN }, /priority of trigger.*NaN/],
  ['a great priority', { priority: 1001 }, /priority of trigger.*1001/],
  ['a small priority', { priority: -1001 }, /priority of trigger.*-1001/],
  ['labels as text', { labels: 'a' }, /labels of trigger.*"a"/],
  ['labels as a list', { labels: ['a'] }, /labels of trigger.*an array/],
  ['labels as null', { labels: null }, /labels of trigger.*null/],
  ['labels as a Map', { labels: new Map([['a', 'b']]) }, /labels of trigger.*Object.fromEntries/],
  ['a label as a number', { labels: { a: 7 } }, /label "a".*7/],
  ['an empty key', { labels: { '': 'x' } }, /labels of trigger.*""/],
  ['a key with a space', { labels: { 'a b': 'x' } }, /labels of trigger.*"a b"/],
  ['a long key', { labels: { ['k'.repeat(65)]: 'x' } }, /labels of trigger.*"kkk/],
  ['a long value', { labels: { a: 'x'.repeat(257) } }, /label "a".*256.*257/],
  ['33 labels', { labels: labels(33) }, /labels of trigger may have 32.*33/],
]

describe('trigger', () => {
  test.each(badTriggers)('refuses %s', async (_what, options, message) => {
    const { commands, sent } = client()
    expect(await refusal(() => commands.trigger(greet, 'Ada', options))).toMatch(message)
    expect(sent).toEqual([])
  })

  test('refuses labels that the schema of the job refuses, with their path', async () => {
    const { commands, sent } = client()
    const reason = await commands.trigger(bill, 3, { labels: { tenant: 'x' } }).catch((e) => e)
    expect(reason).toMatchObject({ code: 'invalid_input', issues: [{ path: ['tenant'] }] })
    expect(reason.message).toMatch(/labels of job "bill".*tenant/)
    expect(await refusal(() => commands.trigger(bill, 3, undefined))).toMatch(/tenant/)
    expect(sent).toEqual([])
  })

  test('refuses labels that a schema makes and that cannot be stored', async () => {
    const { commands } = client()
    const call = () => commands.trigger(upper, undefined, { labels: { tenant: 'x' } })
    expect(await refusal(call)).toMatch(/labels of job "upper".*"no good"/)
  })
})

describe('triggerAndWait', () => {
  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ...badTriggers.map(
      ([what, options, { source }]) =>
        [what, options, new RegExp(source.replaceAll(/trigger\b/g, 'trigger(AndWait)?'))] as const,
    ),
    ['no timeout', { timeout: 0 }, /timeout of triggerAndWait.*0/],
    ['a negative timeout', { timeout: -1 }, /timeout of triggerAndWait/],
    ['a NaN timeout', { timeout: Number.NaN }, /timeout of triggerAndWait/],
    ['a signal that is none', { signal: {} }, /signal of triggerAndWait/],
    ['onProgress as text', { onProgress: 'x' }, /onProgress of triggerAndWait/],
    ['onLog as null', { onLog: null }, /onLog of triggerAndWait/],
  ]
  test.each(bad)('refuses %s', async (_what, options, message) => {
    const { commands, sent } = client()
    expect(await refusal(() => triggerAndWait(commands, greet, 'Ada', options))).toMatch(message)
    expect(sent).toEqual([])
  })
})

describe('batchTrigger', () => {
  const ok = { input: 'Ada' }
  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ['no items', undefined, /list of items.*undefined/],
    ['items as an object', { 0: ok }, /list of items.*an object/],
    ['1,001 items', Array(1001).fill(ok), /items of batchTrigger may be 1000, and are 1001/],
    ['an item that is none', [ok, 'Ada'], /items\[1\]: .*"Ada"/],
    ['an item of null', [null], /items\[0\]: .*null/],
    ['a hole', [ok, ...Array(1)], /items\[1\]: .*undefined/],
    ['an input that is wrong', [ok, ok, { input: 7 }], /items\[2\]: The input of job "greet"/],
    ['the first of two', [ok, { input: 7 }, { input: 8 }], /items\[1\]/],
    ['an unknown option', [{ input: 'Ada', soon: true }], /items\[0\]: .*"soon"/],
    ['an option that is wrong', [ok, { input: 'Ada', priority: 0.5 }], /items\[1\]: .*priority/],
    ['a label that is wrong', [{ input: 'Ada', labels: { a: 1 } }], /items\[0\]: .*label "a"/],
  ]
  test.each(bad)('refuses %s', async (_what, items, message) => {
    const { commands, sent } = client()
    expect(await refusal(() => commands.batchTrigger(greet, items))).toMatch(message)
    expect(sent).toEqual([])
  })

  test("keeps the schema's path", async () => {
    const parsed = defineJob({
      name: 'parsed',
      input: z.object({ tags: z.array(z.string()) }),
      run: () => 1,
    })
    const { connection, sent } = client()
    const commands = createCommands(connection, collectJobs({ parsed }), createCodec())
    const items = [{ input: { tags: [] } }, { input: { tags: ['a', 7] } }]
    const reason = await commands.batchTrigger(parsed, items).catch((error) => error)
    expect(reason).toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/items\[1\].*tags\[1\]/),
      issues: [{ path: ['tags', 1] }],
    })
    expect(sent).toEqual([])
  })
})

const RUN_ID_CALLS = ['getRun', 'retrigger', 'cancel', 'retry', 'deleteRun', 'subscribe'] as const
describe.each(RUN_ID_CALLS)('%s', (name) => {
  test.each([[''], [undefined], [null], [7], ['x'.repeat(201)]])(
    'refuses the id %s',
    async (id) => {
      const { commands, sent } = client()
      const call = () => Reflect.apply(commands[name], commands, [id])
      expect(await refusal(call)).toMatch(/run's id/)
      expect(sent).toEqual([])
    },
  )
})

describe('signal', () => {
  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ['no key', undefined, /key of signal must be a text.*undefined/],
    ['null', null, /key of signal must be a text.*null/],
    ['a number', 7, /key of signal must be a text.*7/],
    ['an empty key', '', /key of signal is empty/],
    ['a long key', 'x'.repeat(513), /key of signal may have 512.*513/],
    ['half a character', 'a\ud800', /key of signal.*surrogate/],
  ]
  test.each(bad)('refuses %s', async (_what, key, message) => {
    const { commands, sent } = client()
    expect(await refusal(() => commands.signal(key, 1))).toMatch(message)
    expect(sent).toEqual([])
  })

  test('refuses a value that cannot be stored, with its path', async () => {
    const { commands, sent } = client()
    const reason = await commands.signal('k', { at: [new Date()] }).catch((error) => error)
    expect(reason).toMatchObject({
      code: 'not_serializable',
      message: expect.stringMatching(/value of signal "k".*at\[0\]/),
    })
    expect(sent).toEqual([])
  })
})

describe('purgeRuns', () => {
  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ['nothing', undefined, /purgeRuns needs the option olderThan/],
    ['no age', {}, /purgeRuns needs the option olderThan/],
    ['a misspelt age', { olderThen: '1d' }, /"olderThen"/],
    ['age 0', { olderThan: 0 }, /olderThan of purgeRuns/],
    ['a negative age', { olderThan: '-1d' }, /olderThan of purgeRuns/],
    ['a NaN age', { olderThan: Number.NaN }, /olderThan of purgeRuns/],
    ['an age of no unit', { olderThan: '30' }, /olderThan of purgeRuns/],
    ['an empty age', { olderThan: '' }, /olderThan of purgeRuns/],
    ['limit 0', { olderThan: '1d', limit: 0 }, /limit of purgeRuns/],
    ['a negative limit', { olderThan: '1d', limit: -1 }, /limit of purgeRuns/],
    ['half a run', { olderThan: '1d', limit: 1.5 }, /limit of purgeRuns/],
    ['a NaN limit', { olderThan: '1d', limit: Number.NaN }, /limit of purgeRuns/],
    ['limit as text', { olderThan: '1d', limit: '5' }, /limit of purgeRuns/],
    ['a great limit', { olderThan: '1d', limit: 1_000_001 }, /limit of purgeRuns/],
  ]
  test.each(bad)('refuses %s', async (_what, options, message) => {
    const { commands, sent } = client()
    expect(await refusal(() => commands.purgeRuns(options))).toMatch(message)
    expect(sent).toEqual([])
  })
})

describe('getRuns', () => {
  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ['a filter that is none', 'greet', /getRuns takes an object/],
    ['a misspelt filter', { jobs: greet }, /"jobs"/],
    ['no jobs', { job: [] }, /job of getRuns is an empty list/],
    ['no statuses', { status: [] }, /status of getRuns is an empty list/],
    ['another status', { status: 'done' }, /status of getRuns.*"done"/],
    ['another status in a list', { status: ['failed', 7] }, /status of getRuns.*7/],
    ['no labels', { labels: {} }, /labels of getRuns is empty/],
    ['labels as text', { labels: 'a' }, /labels of getRuns.*"a"/],
    ['a label that is undefined', { labels: { a: 'x', b: undefined } }, /labels.*undefined/],
    ['a label as a number', { labels: { a: 7 } }, /label "a".*getRuns/],
    ['a bad key', { labels: { 'a b': 'x' } }, /labels of getRuns.*"a b"/],
    ...['createdAfter', 'createdBefore'].flatMap((name) =>
      [0, -1, 1.5, Number.NaN, '2027', new Date(Number.NaN), 9e15, null].map(
        (value) =>
          [`${name} ${value}`, { [name]: value }, new RegExp(`${name} of getRuns`)] as const,
      ),
    ),
    ['an empty parent', { parent: '' }, /parent of getRuns/],
    ['a parent as a number', { parent: 7 }, /parent of getRuns.*or null.*7/],
    ['a parent as a run', { parent: { id: 'run-1' } }, /parent of getRuns.*an object/],
    ['a long parent', { parent: 'x'.repeat(201) }, /parent of getRuns/],
    ['an empty cursor', { cursor: '' }, /cursor of getRuns/],
    ['a cursor as a number', { cursor: 7 }, /cursor of getRuns/],
    ['a long cursor', { cursor: 'x'.repeat(201) }, /cursor of getRuns/],
    ...[0, -1, 1001, 1.5, Number.NaN, '10'].map(
      (limit) => [`limit ${limit}`, { limit }, /limit of getRuns/] as const,
    ),
  ]
  test.each(bad)('refuses %s', async (_what, filter, message) => {
    const { commands, sent } = client()
    expect(await refusal(() => commands.getRuns(filter))).toMatch(message)
    expect(sent).toEqual([])
  })
})

describe('getLogs', () => {
  const bad: readonly (readonly [string, object, RegExp])[] = [
    ['a list', [], /getLogs takes an object/],
    ['a misspelt option', { lines: 5 }, /"lines"/],
    ['another level', { level: 'fatal' }, /level of getLogs/],
    ['another order', { order: 'up' }, /order of getLogs/],
    ...[-1, 1.5, Number.NaN, '3'].map(
      (cursor) => [`cursor ${cursor}`, { cursor }, /cursor of getLogs/] as const,
    ),
    ...[0, -1, 10_001, 1.5, Number.NaN, '10'].map(
      (limit) => [`limit ${limit}`, { limit }, /limit of getLogs/] as const,
    ),
  ]
  test.each(bad)('refuses %s', async (_what, filter, message) => {
    const { commands, sent } = client()
    expect(await refusal(() => commands.getLogs('run-1', filter))).toMatch(message)
    expect(sent).toEqual([])
  })
})

describe('waitForRun', () => {
  const bad: readonly (readonly [string, object, RegExp])[] = [
    ['a misspelt option', { time: 5 }, /"time"/],
    ...[0, -1, 1.5, Number.NaN, '', '5', '40000d'].map(
      (timeout) => [`timeout ${timeout}`, { timeout }, /timeout of waitForRun/] as const,
    ),
    ['a signal that is none', { signal: {} }, /signal of waitForRun/],
    ['onProgress that is none', { onProgress: 1 }, /onProgress of waitForRun/],
    ['onLog that is none', { onLog: {} }, /onLog of waitForRun/],
  ]
  test.each(bad)('refuses %s', async (_what, options, message) => {
    const { commands, sent } = client()
    expect(await refusal(() => commands.waitForRun('run-1', options))).toMatch(message)
    expect(sent).toEqual([])
  })
})

describe('exportDatabase and importDatabase', () => {
  test.each([
    [{ blobs: 1 }, /blobs of exportDatabase/],
    [{ files: true }, /"files"/],
    ['x', /object/],
  ])('refuses %s', async (options, message) => {
    expect(await refusal(() => checkExportOptions(options))).toMatch(message)
  })

  test.each([
    [undefined],
    [null],
    ['a.sqlite3'],
    [7],
    [[1, 2]],
    [new DataView(new ArrayBuffer(4))],
  ])('refuses to import %s', async (file) => {
    expect(await refusal(() => checkImport(file))).toMatch(/importDatabase takes a file/)
  })

  test.each([[new Uint8Array()], [new ArrayBuffer(0)], [new Blob([])]])(
    'refuses an empty file',
    async (file) => {
      expect(await refusal(() => checkImport(file))).toMatch(/empty file/)
    },
  )

  test('takes bytes in three forms', () => {
    const bytes = new Uint8Array([1, 2, 3])
    expect([bytes, bytes.buffer, new Blob([bytes])].map((file) => checkImport(file).size)).toEqual([
      3, 3, 3,
    ])
  })
})

describe('on, onStatus and getSteps', () => {
  const stepwell = createStepwell({ jobs: { greet } })
  const nothing = () => undefined
  test.each([
    ['on', ['run:done', nothing], /type of event for on.*"run:done"/],
    ['on', ['', nothing], /type of event for on.*""/],
    ['on', [7, nothing], /type of event for on.*7/],
    ['on', ['run:delete'], /listener for on.*undefined/],
    ['on', ['run:coalesced', {}], /listener for on.*object/],
    ['onStatus', [null], /listener for onStatus.*null/],
    ['getSteps', ['run-1', { outputs: 'yes' }], /outputs of getSteps.*"yes"/],
    ['getSteps', ['run-1', { output: true }], /"output"/],
    ['getSteps', ['', {}], /run's id/],
  ] as const)('%s refuses %j', async (name, args, message) => {
    expect(await refusal(() => Reflect.apply(stepwell[name], stepwell, args))).toMatch(message)
  })
})

describe('the option retention of createStepwell', () => {
  test.each([[true], [null], [0], [-1], [Number.NaN], [''], ['30'], ['long'], ['40000d']])(
    'refuses %s',
    async (retention) => {
      const call = () => Reflect.apply(createStepwell, undefined, [{ jobs: { greet }, retention }])
      expect(await refusal(call)).toMatch(/retention of createStepwell/)
    },
  )

  test.each([[false], ['30d'], ['24h'], ['60m'], [1000]] as const)('takes %s', (retention) => {
    createStepwell({ jobs: { greet }, retention })
  })
})
