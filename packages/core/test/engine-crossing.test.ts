import { expect, it } from 'vitest'
import { readOutput, writeInputs } from '../src/engine-worker/crossing.js'
import type { Input, NewLog, Payload } from '../src/generated/protocol.js'
import { isObject } from '../src/shapes.js'

const TICK: Input = { type: 'tick' }

function commit(output: Payload, logs: NewLog[] = [], current = 1): Input {
  const progress = { current, total: undefined, message: undefined }
  const report = { firstOrdinal: 1, logs, progress }
  const fence = { runId: 'r', generation: 1, stepName: 's', attempt: 1 }
  const message = {
    type: 'stepCommit' as const,
    ...fence,
    output,
    blobs: [],
    durationMs: 0,
    report,
  }
  return { type: 'executor', executorId: 'e', envelope: { seq: 1, message } }
}

function log(message: string, data?: Payload): NewLog {
  return { level: 'info', message, data, stepName: undefined, attempt: 1, timestamp: 1 }
}

/** What crosses, and what is told of the rest. */
function written(inputs: readonly Input[]) {
  const told: string[] = []
  const { lines, beside } = writeInputs(inputs, (error) => told.push(String(error)))
  return { lines: lines === '' ? [] : lines.split('\n'), beside, told }
}

/** As it could come over a port. */
function foreign(input: unknown): Input {
  return structuredClone(input) as Input
}

it('writes each input as one line', () => {
  const inputs = [TICK, commit('{"a":"\\n"}'), commit('')]
  const { lines, beside, told } = written(inputs)
  expect(lines.map((line) => JSON.parse(line))).toEqual(inputs)
  expect([beside, told]).toEqual([[], []])
})

it('lets bytes and long texts stand beside the text', () => {
  const bytes = new Uint8Array([0, 255])
  const long = '"'.repeat(5_000)
  const { lines, beside } = written([commit(bytes, [log(long, long)]), TICK, commit(long)])
  expect(beside).toEqual([bytes, long, long, long])
  expect(lines.every((line) => line.length < 500)).toBe(true)
  expect(
    lines.map((line) => [...line.matchAll(/\{"\$beside":(\d)\}/g)].map((mark) => mark[1])),
  ).toEqual([['0', '1', '2'], [], ['3']])
})

it('leaves out what can be no JSON, and tells of it alone', () => {
  const cycle: { type: string; itself?: unknown } = { type: 'tick' }
  cycle.itself = cycle
  let deep: unknown = 1
  for (let depth = 0; depth < 500; depth++) deep = [deep]
  let deeper: unknown = 1
  for (let depth = 0; depth < 1_000_000; depth++) deeper = [deeper]
  const broken: Input[] = [
    foreign({ type: 'executorGone', executorId: 1n }),
    foreign(cycle),
    foreign({ type: 'executorGone', executorId: new Date(0) }),
    foreign({ type: 'executorGone', executorId: Object('e') }),
    foreign({ type: 'network', isOnline: new Map() }),
    { ...TICK, deeper } as Input,
    commit('1', [], Number.NaN),
    commit('1', [], Number.POSITIVE_INFINITY),
  ]
  const { lines, told } = written([TICK, ...broken, foreign({ type: 'tick', deep }), TICK])
  expect(lines).toHaveLength(3)
  expect(told).toHaveLength(broken.length)
})

it('puts a sign in the place of half a surrogate pair, which is no text of UTF-8', () => {
  const texts = [
    '\ud83d',
    'a\udc00b',
    '😀',
    '\\ud83d',
    '\\\ud83d',
    '\\\\udc00',
    '\ud83d\ud83d\ude00',
  ]
  const lines = texts.map((text) => written([commit(text, [log(text)])]).lines[0] ?? '')
  for (const [i, line] of lines.entries()) {
    const read = JSON.parse(line).envelope.message
    const expected = new TextDecoder().decode(new TextEncoder().encode(texts[i]))
    expect([read.output, read.report.logs[0].message]).toEqual([expected, expected])
  }
})

it('reads an output, with what stood beside it in its place', () => {
  const empty = { replies: [], events: [], effects: [], moreUpkeep: false }
  expect(readOutput(JSON.stringify(empty), [])).toEqual(empty)
  const bytes = new Uint8Array([1])
  const run = { output: { $beside: 1 }, input: { $beside: 0 }, labels: { $beside: '1' } }
  const output = readOutput(JSON.stringify({ ...empty, replies: [run] }), ['long', bytes])
  const [reply] = output.replies
  expect(reply).toEqual({ output: bytes, input: 'long', labels: { $beside: '1' } })
  expect(isObject(reply)).toBe(true)
})
