import { expect, test } from 'vitest'
import { postOutput } from '../src/engine-worker/output.js'
import type { ClientReply, RunEvent } from '../src/generated/protocol.js'
import type { FromEngineWorker } from '../src/wire.js'

const reply: ClientReply = { requestId: 'q', reply: { type: 'steps', steps: [] } }

function eventsOf(count: number): RunEvent[] {
  return Array.from({ length: count }, (_, i) => ({
    type: 'run:trigger',
    sequence: i + 1,
    timestamp: 1,
    runId: 'r',
    jobName: 'job',
    labels: {},
    status: 'pending',
    version: 1,
    parentId: undefined,
  }))
}

test.each([
  [0, []],
  [1, [1]],
  [1000, [1000]],
  [1001, [1000, 1]],
  [10_000, Array.from({ length: 10 }, () => 1000)],
])('%i events leave in messages of %j, in order, after the replies', (count, sizes) => {
  const messages: FromEngineWorker[] = []
  const events = eventsOf(count)
  postOutput((message) => messages.push(message), { replies: [reply], events, status: null })
  const outputs = messages.filter((message) => message.type === 'output')
  expect(outputs.map((output) => output.events.length)).toEqual(sizes.length === 0 ? [0] : sizes)
  expect(outputs.flatMap((output) => output.events)).toEqual(events)
  expect(outputs.map(({ replies }) => replies.length)).toEqual(
    sizes.map((_, i) => (i === 0 ? 1 : 0)).concat(sizes.length === 0 ? [1] : []),
  )
})

test('nothing to tell is not told', () => {
  const messages: FromEngineWorker[] = []
  postOutput((message) => messages.push(message), { replies: [], events: [], status: null })
  expect(messages).toEqual([])
})
