/** What `signal` sends, and what it makes of the answer. */
import { expect, test } from 'vitest'
import { createCommands } from '../src/client/commands.js'
import { createCodec } from '../src/codec/codec.js'
import { StepwellError } from '../src/errors.js'
import type { Command } from '../src/generated/protocol.js'
import { scriptedConnection } from './scripted-connection.js'

function client() {
  const script = scriptedConnection(() => ({ type: 'signalled', disposition: 'kept' }))
  return { ...script, commands: createCommands(script.connection, new Map(), createCodec()) }
}

async function sentFor(value: unknown): Promise<Command | undefined> {
  const { commands, sent } = client()
  expect(await commands.signal('k', value)).toEqual({ disposition: 'kept' })
  return sent[0]
}

test.each([
  ['a value', { ok: true }, '{"ok":true}'],
  ['a text', 'yes', '"yes"'],
  ['null', null, 'null'],
  ['nothing', undefined, ''],
])('%s', async (_what, value, payload) => {
  const rest = { error: undefined, blobs: [] }
  expect(await sentFor(value)).toEqual({ type: 'signal', key: 'k', value: payload, ...rest })
})

test('the longest key, an emoji counting as one character', async () => {
  const { commands, sent } = client()
  const key = '🔑'.repeat(512)
  await commands.signal(key, 1)
  expect(sent).toMatchObject([{ key }])
})

test('Files in the value are named beside it', async () => {
  const command = await sentFor({ scan: new File(['abc'], 'a.txt') })
  expect(command).toMatchObject({ blobs: [expect.any(String)] })
})

test('an error with its cause', async () => {
  const command = await sentFor(new TypeError('no', { cause: new Error('deep') }))
  expect(command).toMatchObject({
    value: undefined,
    error: {
      name: 'TypeError',
      message: 'no',
      code: 'error',
      causes: [{ name: 'Error', message: 'deep' }],
      stack: expect.stringContaining('TypeError: no'),
    },
    blobs: [],
  })
})

test('errors of other kinds', async () => {
  const foreign = Object.create(null, { [Symbol.toStringTag]: { value: 'Error' } })
  for (const error of [new DOMException('no'), new StepwellError('timeout', 'no'), foreign]) {
    expect(await sentFor(error)).toMatchObject({ value: undefined, error: expect.anything() })
  }
})
