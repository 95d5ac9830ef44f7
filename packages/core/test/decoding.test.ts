import { describe, expect, test } from 'vitest'
import { createDecoding } from '../src/client/decoding.js'
import { initialStatus } from '../src/client/initial-status.js'
import { createCodec } from '../src/codec/codec.js'
import type { Connection, ReplyTo } from '../src/connection.js'
import type { Command, Run } from '../src/generated/protocol.js'
import { wireRun } from './wire-run.js'

const codec = createCodec()
const file = codec.encode([new File(['x'], 'x.txt')], 'x')

const runWith = (id: string, input: Run['input']): Run =>
  wireRun({ id, input, status: 'cancelled', completedAt: 1 })

/** An engine that has these runs, and no files. */
function connectionWith(stored: readonly Run[]): Connection {
  const answer = (command: Command) => {
    if (command.type !== 'getRun') throw new Error(command.type)
    return { type: 'run', run: stored.find(({ id }) => id === command.runId) }
  }
  function request<C extends Command>(command: C): Promise<ReplyTo<C>>
  async function request(command: Command): Promise<unknown> {
    return answer(command)
  }
  const off = () => undefined
  return {
    connect: off,
    request,
    readBlob: async () => null,
    onEvents: () => off,
    onReset: () => off,
    status: { get: () => initialStatus('strict'), subscribe: () => off },
  }
}

describe('runs whose files are gone', () => {
  const [kept, doomed] = [runWith('kept', '1'), runWith('doomed', file.payload)]

  test('are left out where they were deleted meanwhile', async () => {
    const decoding = createDecoding(connectionWith([kept]), codec)
    expect((await decoding.toRuns([doomed, kept])).map(({ id }) => id)).toEqual(['kept'])
  })

  test('are told where they are still there, and hide no other run', async () => {
    const decoding = createDecoding(connectionWith([kept, doomed]), codec)
    const gone = { code: 'not_found', message: expect.stringContaining('"x.txt"') }
    const [first, second] = await decoding.toRuns([doomed, kept])
    expect(first).toMatchObject({ id: 'doomed', input: undefined, unreadable: gone })
    expect(second).toMatchObject({ id: 'kept' })
    expect(second).not.toHaveProperty('unreadable')
    await expect(decoding.toRun(doomed)).rejects.toMatchObject(gone)
  })
})
