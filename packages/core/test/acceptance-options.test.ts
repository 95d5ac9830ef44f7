/** ACCEPTANCE E7, A1: what the option tests of the single functions leave out. Nothing is ever sent. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createCommands } from '../src/client/commands.js'
import { triggerAndWait } from '../src/client/trigger-and-wait.js'
import { createCodec } from '../src/codec/codec.js'
import { isStepwellError } from '../src/errors.js'
import { serveJobs } from '../src/executor.js'
import { createStepwell, defineJob, observeLogs, observeRun } from '../src/index.js'
import { collectJobs } from '../src/job.js'
import { scriptedClient, settled } from './scripted-client.js'
import { scriptedConnection } from './scripted-connection.js'

const greet = defineJob({ name: 'greet', input: z.string(), run: (_step, name) => `Hi ${name}` })
const jobs = { greet }
const worker = () => new Worker('jobs.js')
const client = createStepwell({ jobs })

function scripted(known: object = jobs) {
  const script = scriptedConnection((command) => {
    throw new Error(`${command.type} was sent`)
  })
  return {
    sent: script.sent,
    commands: createCommands(script.connection, collectJobs(known), createCodec()),
  }
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

/** One call for each value, with the option's name as the message must say it. */
const each = (name: string, values: readonly unknown[]) =>
  values.map((value) => [name, value] as const)

describe('createStepwell', () => {
  test.each([null, [], 'jobs', 7])('refuses %j instead of options', async (options) => {
    const call = () => Reflect.apply(createStepwell, undefined, [options])
    expect(await refusal(call)).toMatch(/createStepwell takes an object/)
  })

  test.each([
    ...each('jobs', [null, 7, () => jobs]),
    ...each('worker', [null, '', 7, {}]),
    ...each('database', [null, 7, {}]),
    ...each('durability', [null, '', 0, true]),
    ...each('storage', [null, '', 0, false]),
    ...each('concurrency', [null, '1', -1, 1.5, Number.POSITIVE_INFINITY, 1001]),
    ...each('retention', [Number.POSITIVE_INFINITY, -1, {}]),
    ...each('serializer', [0, '', true, []]),
    ...each('limits', [null, '', [], true]),
  ])('refuses %s: %j', async (option, value) => {
    const call = () => Reflect.apply(createStepwell, undefined, [{ jobs, worker, [option]: value }])
    expect(await refusal(call)).toMatch(new RegExp(`option ${option} of createStepwell`))
  })

  test.each([
    ...each('payloadBytes', [null, Number.POSITIVE_INFINITY]),
    ...each('logLines', [null, '10', 1.5, 10_000_001]),
  ])('refuses limits: %s: %j', async (option, value) => {
    const limits = { [option]: value }
    const call = () => Reflect.apply(createStepwell, undefined, [{ jobs, limits }])
    expect(await refusal(call)).toMatch(new RegExp(`limits of createStepwell: ${option}`))
  })
})

describe('defineJob', () => {
  const run = () => 1
  test.each([
    ...each('name', [null, 7, ['a']]),
    ...each('input', [null, '', 0, {}]),
    ...each('output', [null, '', true]),
    ...each('labels', [null, [], {}]),
    ...each('run', [null, 'run', {}]),
  ])('refuses %s: %j', async (option, value) => {
    const call = () => Reflect.apply(defineJob, undefined, [{ name: 'a', run, [option]: value }])
    expect(await refusal(call)).toMatch(new RegExp(`option ${option} of`))
  })
})

describe('serveJobs', () => {
  test.each([undefined, null, '', 'jobs', 7, true])('refuses %j instead of jobs', async (value) => {
    const call = () => Reflect.apply(serveJobs, undefined, [value])
    expect(await refusal(call)).toMatch(/^serveJobs takes .*jobs/)
  })

  test.each([
    ['options that are none', null, /serveJobs takes an object/],
    ['a misspelt option', { serialiser: JSON }, /serveJobs does not know the option "serialiser"/],
    ['a serializer that is none', { serializer: 'x' }, /option serializer of serveJobs.*"x"/],
    ['half a serializer', { serializer: { parse: JSON.parse } }, /of serveJobs: stringify/],
  ])('refuses %s', async (_what, options, says) => {
    expect(await refusal(() => Reflect.apply(serveJobs, undefined, [jobs, options]))).toMatch(says)
  })
})

describe('a job that is none', () => {
  const calls: Readonly<Record<string, (job: unknown) => unknown>> = {
    trigger: (job) => scripted().commands.trigger(job, 'Ada', undefined),
    triggerAndWait: (job) => triggerAndWait(scripted().commands, job, 'Ada', undefined),
    batchTrigger: (job) => scripted().commands.batchTrigger(job, [{ input: 'Ada' }]),
    getRuns: (job) => scripted().commands.getRuns({ job }),
    'getRuns, in a list': (job) => scripted().commands.getRuns({ job: ['greet', job] }),
  }
  test.each(Object.entries(calls))('%s', async (_name, call) => {
    for (const job of [null, 7, {}, () => 1, Number.NaN]) {
      expect(await refusal(() => call(job))).toMatch(/named by its definition or its name/)
    }
  })
})

const RUN_ID_CALLS = {
  getSteps: (id: string) => scripted().commands.getSteps(id, false),
  getLogs: (id: string) => scripted().commands.getLogs(id, {}),
  waitForRun: (id: string) => scripted().commands.waitForRun(id, {}),
}
test.each(Object.entries(RUN_ID_CALLS))('%s refuses what is no id', async (_name, call) => {
  for (const id of ['', 7, {}, Number.NaN, 'x'.repeat(201), undefined, null]) {
    expect(await refusal(() => Reflect.apply(call, undefined, [id]))).toMatch(/run's id/)
  }
})

describe('observers (useRun, useRunLogs)', () => {
  const observers = { observeRun, observeLogs }
  test.each(Object.entries(observers))('%s shows what is no id as such', async (_name, observe) => {
    for (const id of ['', 7, 'x'.repeat(201)]) {
      const engine = scriptedClient(jobs)
      const observer = Reflect.apply(observe, undefined, [engine.client, id])
      const off = observer.subscribe(() => undefined)
      await settled()
      expect(observer.get()).toMatchObject({
        status: 'unavailable',
        error: { code: 'invalid_input', message: expect.stringContaining("run's id") },
      })
      expect(engine.counts()).toEqual({})
      off()
    }
  })
})

test.each(['2', 'run-9', '01900000-0000-7000-8000', ' 01900000-0000-7000-8000-000000000000'])(
  'getRuns refuses the cursor %j, which no page gave',
  async (cursor) => {
    const { commands, sent } = scripted()
    const says = /cursor of getRuns must be the nextCursor of the page before, and is "/
    expect(await refusal(() => commands.getRuns({ cursor }))).toMatch(says)
    expect(sent).toEqual([])
  },
)

describe('getSteps, getLogs and waitForRun', () => {
  const { commands } = scripted()
  test.each([
    ['getSteps', null],
    ['getSteps', []],
    ['getSteps', 'outputs'],
    ['getLogs', null],
    ['getLogs', 'warn'],
    ['waitForRun', null],
    ['waitForRun', []],
    ['waitForRun', '5s'],
  ] as const)('%s refuses %j instead of options', async (name, options) => {
    const call = () => Reflect.apply(client[name], client, ['run-1', options])
    expect(await refusal(call)).toMatch(new RegExp(`${name} takes an object of options`))
  })

  test.each([
    [{ outputs: 1 }, /outputs of getSteps.*1/],
    [{ outputs: 'yes' }, /outputs of getSteps.*"yes"/],
    [{ outputs: null }, /outputs of getSteps.*null/],
    [{ output: true }, /"output"/],
  ])('getSteps refuses %j', async (options, says) => {
    expect(await refusal(async () => commands.checkStepsOptions(options))).toMatch(says)
  })

  test.each([
    [{ level: '' }, /level of getLogs/],
    [{ level: 3 }, /level of getLogs/],
    [{ order: null }, /order of getLogs/],
    [{ cursor: null }, /cursor of getLogs/],
    [{ cursor: Number.POSITIVE_INFINITY }, /cursor of getLogs/],
    [{ limit: null }, /limit of getLogs/],
  ])('getLogs refuses %j', async (filter, says) => {
    const call = () => Reflect.apply(commands.getLogs, commands, ['run-1', filter])
    expect(await refusal(call)).toMatch(says)
  })
})

describe('on and onStatus', () => {
  test.each(['', 'run:ended', 7, null, undefined, ['run:start']])(
    'on refuses the type %j',
    async (type) => {
      const call = () => Reflect.apply(client.on, client, [type, () => undefined])
      expect(await refusal(call)).toMatch(/type of event for on must be one of/)
    },
  )

  test.each([undefined, null, 'log', {}])('refuse the listener %j', async (listener) => {
    const on = () => Reflect.apply(client.on, client, ['*', listener])
    expect(await refusal(on)).toMatch(/listener for on must be a function/)
    const onStatus = () => Reflect.apply(client.onStatus, client, [listener])
    expect(await refusal(onStatus)).toMatch(/listener for onStatus must be a function/)
  })
})

describe('exportDatabase and importDatabase, from the client', () => {
  test.each([null, [], { blobs: 'yes' }, { blobs: 0 }, { blob: true }])(
    'exportDatabase refuses %j',
    async (options) => {
      const call = () => Reflect.apply(client.exportDatabase, client, [options])
      expect(await refusal(call)).toMatch(/exportDatabase/)
    },
  )

  test.each([undefined, '', 0, {}, new ArrayBuffer(0)])(
    'importDatabase refuses %j',
    async (file) => {
      const call = () => Reflect.apply(client.importDatabase, client, [file])
      expect(await refusal(call)).toMatch(/importDatabase/)
    },
  )
})

describe('useRunLogs (observeLogs)', () => {
  test.each([
    ['all', /useRunLogs takes an object/],
    [{ lines: 5 }, /useRunLogs does not know the option "lines"/],
    [{ level: 'fatal' }, /level of useRunLogs/],
    [{ level: '' }, /level of useRunLogs/],
    [{ level: 1 }, /level of useRunLogs/],
    [{ limit: '5' }, /limit of useRunLogs/],
    [{ limit: 10_001 }, /limit of useRunLogs/],
  ])('refuses %j', async (options, says) => {
    const call = () => Reflect.apply(observeLogs, undefined, [client, 'run-1', options])
    expect(await refusal(call)).toMatch(says)
  })
})

describe('a schema', () => {
  const throwing = z.string().transform((): string => {
    throw new RangeError('a bug of the schema')
  })
  const taken = z.string().refine(async (name) => name !== 'Ada', 'is taken')
  // By hand: zod runs a check that is async twice, and the first time nobody hears its rejection.
  const rejecting = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: () => Promise.reject(new RangeError('offline')),
    },
  }

  test.each([
    ['that throws', throwing, /input of job "job" could not be validated.*a bug of the schema/],
    ['that rejects', rejecting, /input of job "job" could not be validated.*offline/],
    ['that is async', taken, /input of job "job" is invalid: is taken/],
  ])('%s refuses the trigger, the batch, and writes nothing', async (_what, input, says) => {
    const { commands, sent } = scripted({ job: defineJob({ name: 'job', input, run: () => 1 }) })
    expect(await refusal(() => commands.trigger('job', 'Ada', undefined))).toMatch(says)
    const batch = () => commands.batchTrigger('job', [{ input: 'Ada' }])
    expect(await refusal(batch)).toMatch(new RegExp(`^items\\[0\\]: .*${says.source}`))
    expect(sent).toEqual([])
  })

  test('of labels that throws refuses the trigger, and writes nothing', async () => {
    const labels = z.object({ tenant: throwing })
    const job = defineJob({ name: 'job', labels, run: () => 1 })
    const { commands, sent } = scripted({ job })
    const call = () => commands.trigger('job', undefined, { labels: { tenant: 'a' } })
    expect(await refusal(call)).toMatch(/labels of job "job" could not be validated/)
    expect(sent).toEqual([])
  })
})
