/**
 * Messages as no part of Stepwell makes them, for tests of what becomes of them; the same ones for the same seed. All can
 * be cloned by `postMessage`. The pages of playwright/ use this module too, so it imports nothing that runs.
 */

/** A number from 0 to `below`, without it. */
export type Dice = (below: number) => number

const RUN = '01900000-0000-7000-8000-000000000000'

/** What stands for a message: all its required fields, and no other, so that each field that is spoilt spoils it. */
export type Sample = object

const NEW_TRIGGER = {
  jobName: 'quick',
  input: '{"count":1}',
  blobs: [],
  coalesce: false,
  labels: {},
}

/** A command each, of runs that are not there. */
const COMMANDS = [
  { type: 'trigger', run: NEW_TRIGGER },
  { type: 'batchTrigger', runs: [NEW_TRIGGER, NEW_TRIGGER] },
  { type: 'retrigger', runId: RUN, input: '1', blobs: [] },
  { type: 'getRun', runId: RUN },
  { type: 'getRuns', filter: {} },
  { type: 'getSteps', runId: RUN, outputs: true },
  { type: 'getLogs', query: { runId: RUN, order: 'asc', limit: 10 } },
  { type: 'cancel', runId: RUN },
  { type: 'retry', runId: RUN },
  { type: 'deleteRun', runId: RUN },
  { type: 'purgeRuns', olderThanMs: 1e15, limit: 1 },
  { type: 'signal', key: 'nobody', value: '1', blobs: [] },
  { type: 'getStatus' },
]

const REPORT = { firstOrdinal: 0, logs: [{ level: 'info', message: 'm', timestamp: 1 }] }
const OF_RUN = { runId: RUN, generation: 1 }
const FAILURE = { name: 'Error', message: 'm', causes: [], code: 'error', attempt: 1 }
const STEP = { stepName: 's', attempt: 1, kind: 'run', durationMs: 1 }

/** A message each of an executor, about a run that is not there. `hello` says something by itself: only spoilt. */
const EXECUTOR_MESSAGES = [
  { type: 'stepStart', ...OF_RUN, stepName: 's', attempt: 1 },
  { type: 'stepCommit', ...OF_RUN, ...STEP, output: '1', blobs: [], report: REPORT },
  { type: 'stepFail', ...OF_RUN, ...STEP, error: FAILURE, report: REPORT },
  { type: 'runComplete', ...OF_RUN, output: '1', blobs: [], report: REPORT },
  { type: 'runFail', ...OF_RUN, error: FAILURE, isRetryable: false, report: REPORT },
  {
    type: 'stepWait',
    ...OF_RUN,
    stepName: 's',
    wait: { kind: 'sleep', durationMs: 1 },
    report: REPORT,
  },
  {
    type: 'stepInvoke',
    ...OF_RUN,
    stepName: 's',
    mode: 'settled',
    children: [NEW_TRIGGER],
    report: REPORT,
  },
  { type: 'suspend', ...OF_RUN, waits: ['s'], isParked: false, report: REPORT },
  { type: 'wake', ...OF_RUN },
  { type: 'unresumable', ...OF_RUN },
  { type: 'report', ...OF_RUN, report: REPORT },
  { type: 'released', ...OF_RUN },
]

const STORED = { name: 's', kind: 'run', status: 'completed', output: '1', children: [] }

/** What an executor is told; those that would take it from its work only spoilt. */
const ENGINE_MESSAGES = [
  {
    type: 'assign',
    assignment: {
      runId: RUN,
      jobName: 'quick',
      generation: 1,
      attempt: 1,
      labels: {},
      logCount: 0,
      input: '{"count":1}',
      memo: [STORED],
    },
  },
  { type: 'welcome', epoch: 1, adopted: [OF_RUN], isOnline: true },
  { type: 'resume', ...OF_RUN, steps: [] },
  {
    type: 'resolved',
    ...OF_RUN,
    step: STORED,
  },
  { type: 'ack', seqs: [987_654_321] },
  { type: 'refused', seq: 987_654_321, runId: RUN, reason: 'lease_lost' },
  { type: 'abort', ...OF_RUN, reason: 'cancelled' },
  { type: 'unstorable', seq: 987_654_321, error: { code: 'internal', message: 'm' } },
]

const STATUS = {
  epoch: 1,
  unservedJobs: ['x'],
  counters: { batches: 1, commits: 1, steps: 1, leases: 1 },
}
const requestOf = (command: Sample) => ({ requestId: 'r', command })
const envelopeOf = (message: Sample) => ({ seq: 1, message })

/** By the door that they are for. `clientId` and `epoch`: of a tab that is there, and of its leader. */
export function samplesOf(clientId: string, epoch: number, buildId = '0.0.1/1') {
  const from = { clientId, epoch }
  return {
    engineWorker: [
      ...COMMANDS.map((command) => ({
        type: 'stepwell:requests',
        requests: [requestOf(command)],
        blobs: [],
      })),
      { type: 'stepwell:executor', executorId: 'nobody', port: null },
      { type: 'stepwell:read-blob', id: 'none' },
      { type: 'stepwell:export', requestId: 'r', blobs: false },
      { type: 'stepwell:import', requestId: 'r', file: null },
      { type: 'stepwell:network', isOnline: true },
      { type: 'stepwell:jobs', jobs: ['quick'] },
    ],
    executor: EXECUTOR_MESSAGES.map((message) => ({
      type: 'stepwell:envelopes',
      envelopes: [envelopeOf(message)],
      blobs: [],
    })),
    toExecutor: ENGINE_MESSAGES,
    command: [
      { type: 'stepwell:join', buildId: '0.0.1/1', clientId, jobs: ['quick'], isVisible: true },
      { type: 'stepwell:leave', clientId },
      ...COMMANDS.map((command) => ({
        type: 'stepwell:requests',
        ...from,
        requests: [requestOf(command)],
        blobs: [],
      })),
      { type: 'stepwell:read-blob', ...from, id: 'none' },
      { type: 'stepwell:export', ...from, requestId: 'r', blobs: false },
      { type: 'stepwell:import', ...from, requestId: 'r', file: null },
    ],
    reply: [
      {
        type: 'welcome',
        buildId,
        epoch,
        position: 0,
        persisted: false,
        status: STATUS,
        loss: null,
      },
      {
        type: 'replies',
        epoch,
        after: 0,
        replies: [{ requestId: 'r', reply: { type: 'deleted', count: 1, hasMore: false } }],
        events: null,
      },
      { type: 'blob', epoch, id: 'none', blob: null },
      { type: 'exported', epoch, requestId: 'r', bytes: null },
      { type: 'transfer-failed', epoch, requestId: 'r', error: { code: 'internal', message: 'm' } },
    ],
    events: [
      { type: 'leading', buildId, epoch },
      {
        type: 'events',
        epoch,
        repliedTo: [clientId],
        position: 1,
        events: [{ type: 'run:complete', runId: RUN }],
        status: null,
      },
      { type: 'alive', epoch },
      { type: 'clock', epoch, from: 1, to: 2 },
      { type: 'released', epoch, next: null },
      { type: 'unavailable', buildId: '0.1.0/1', error: { code: 'internal', message: 'm' } },
    ],
    context: [{ type: 'ask', id: 1 }],
    fromContext: [
      { type: 'answer', id: 987_654_321, value: 1 },
      { type: 'failed', id: 987_654_321, code: 'error', message: 'm' },
    ],
    connect: [
      {
        type: 'stepwell:connect',
        buildId,
        database: 'd',
        executorId: 'e',
        slots: 1,
        limits: { payloadBytes: 1, logLines: 1 },
        port: null,
        context: null,
      },
    ],
  } satisfies Record<string, readonly Sample[]>
}

export type Door = keyof ReturnType<typeof samplesOf>

/** A message for that door, in which at least one thing is not as it must be. */
export function malformed(dice: Dice, samples: readonly Sample[]): unknown {
  const sample = samples[dice(samples.length)]
  return sample === undefined || dice(8) === 0 ? junk(dice) : spoilt(dice, sample)
}

type Path = readonly string[]

/** A copy of a sample with one of its fields gone or of another type, and now and then with more than belongs there. */
export function spoilt(dice: Dice, sample: Sample): unknown {
  const paths = [...pathsIn(sample)]
  const path = paths[dice(paths.length)] ?? []
  const copy = replaced(dice, sample, path)
  if (dice(4) > 0 || typeof copy !== 'object' || copy === null || Array.isArray(copy)) return copy
  return { ...copy, ...EXTRAS[dice(EXTRAS.length)] }
}

function* pathsIn(value: unknown, path: Path = []): Generator<Path> {
  if (typeof value !== 'object' || value === null) return
  for (const [key, item] of Object.entries(value)) {
    yield [...path, key]
    yield* pathsIn(item, [...path, key])
  }
}

function replaced(dice: Dice, value: unknown, [key, ...rest]: Path): unknown {
  if (key === undefined) return otherThan(dice, value)
  if (Array.isArray(value)) {
    return value.map((item, i) => (String(i) === key ? replaced(dice, item, rest) : item))
  }
  const isGone = rest.length === 0 && dice(3) === 0
  const entries = Object.entries(Object(value)).filter(([name]) => !(isGone && name === key))
  return Object.fromEntries(
    entries.map(([name, item]) => [name, name === key ? replaced(dice, item, rest) : item]),
  )
}

/** Of another type than a value; instead of a text none that could be a payload, and instead of an object no list. */
function otherThan(dice: Dice, value: unknown): unknown {
  const others = OTHERS.filter(([type]) => type !== typeOf(value))
  const make = others[dice(others.length)]?.[1]
  return make?.(dice)
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) || typeof value !== 'object' ? typeof value : 'object'
}

const OTHERS: readonly (readonly [type: string, make: (dice: Dice) => unknown])[] = [
  ['string', (dice) => ['', 'x', '__proto__', '\ud800', RUN][dice(5)]],
  ['string', (dice) => 'x'.repeat(2 ** dice(18))],
  ['number', (dice) => [0.5, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60][dice(5)]],
  ['boolean', (dice) => dice(2) === 0],
  ['bigint', () => 2n ** 70n],
  ['object', (dice) => nested(2 ** dice(11))],
  ['object', () => ({ type: 'x', length: 5, 0: 'x' })],
  ['object', () => new Date(0)],
  ['object', () => /x/g],
  ['null', () => null],
  ['undefined', () => undefined],
]

/** Objects in objects. */
function nested(depth: number): unknown {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = { value }
  return value
}

const EXTRAS: readonly object[] = [
  // As an own key, which a careless copy would make the prototype.
  JSON.parse(
    '{"__proto__":{"type":"stepwell:panic","isAdmin":true},"constructor":{"prototype":{}}}',
  ),
  { toString: 'x', valueOf: 1, hasOwnProperty: null },
  { toJSON: 5, length: -1, port: 1, blobs: 1 },
  { huge: 'x'.repeat(100_000) },
]

/** Anything that a channel can carry, at random. */
export function junk(dice: Dice, depth = 0): unknown {
  const make = JUNK[dice(JUNK.length)]
  if (depth > 3 || dice(3) > 0) return make?.(dice)
  const items = Array.from({ length: dice(6) }, () => junk(dice, depth + 1))
  if (dice(2) === 0) return items
  return Object.fromEntries(items.map((item, i) => [KEYS[dice(KEYS.length)] ?? String(i), item]))
}

const KEYS = [
  'type',
  'epoch',
  'clientId',
  'requests',
  'blobs',
  'envelopes',
  '__proto__',
  'seqs',
  'jobs',
  'id',
]

const JUNK: readonly ((dice: Dice) => unknown)[] = [
  ...OTHERS.map(([, make]) => make),
  () => [],
  () => new Map([['type', 'stepwell:requests']]),
  () => new Set(['stepwell:requests']),
  () => new Error('stepwell:requests'),
  () => new Uint8Array(64),
  () => new Array(1000),
  (dice) => ({
    type: `stepwell:${['requests', 'join', 'executor', 'connect', 'envelopes', 'import'][dice(6)]}`,
  }),
  (dice) => ({
    type: ['replies', 'events', 'welcome', 'released', 'leading', 'assign', 'ack'][dice(7)],
  }),
  () => cyclic(),
]

function cyclic(): unknown {
  const self: Record<string, unknown> = { type: 'stepwell:requests', blobs: [] }
  self['requests'] = [self]
  return self
}
