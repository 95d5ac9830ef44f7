import { expect, test } from 'vitest'
import { observeSignal, StepwellError } from '../src/index.js'
import { codeOf, scriptedClient, settled } from './scripted-client.js'

const shown = ({ get }: ReturnType<typeof observeSignal>) => {
  const { isSending, disposition, error } = get()
  return { isSending, disposition, error: error?.code ?? null }
}

function observed(key: string | null | undefined) {
  const engine = scriptedClient({})
  const observer = observeSignal<unknown>(engine.client, key)
  let told = 0
  observer.subscribe(() => {
    told += 1
  })
  return { engine, observer, told: () => told, send: observer.get().send }
}

test('a value is sent, and what became of it is shown', async () => {
  const { engine, observer, send, told } = observed('k')
  expect(shown(observer)).toEqual({ isSending: false, disposition: null, error: null })
  const sent = send({ ok: true })
  expect(shown(observer)).toEqual({ isSending: true, disposition: null, error: null })
  expect(await sent).toEqual({ disposition: 'kept' })
  expect(shown(observer)).toEqual({ isSending: false, disposition: 'kept', error: null })
  expect(told()).toBe(2)
  expect(engine.asked).toMatchObject([{ type: 'signal', key: 'k', value: '{"ok":true}' }])
  expect(observer.get().send).toBe(send)
})

test('an error is sent as one', async () => {
  const { engine, send } = observed('k')
  await send(new RangeError('too late'))
  expect(engine.asked).toMatchObject([
    { type: 'signal', value: undefined, error: { name: 'RangeError', message: 'too late' } },
  ])
})

test.each([null, undefined])('without a key (%s) it rejects, and says what to do', async (key) => {
  const { engine, observer, send } = observed(key)
  await expect(send(1)).rejects.toMatchObject({ code: 'invalid_input', message: /no key/ })
  expect(shown(observer)).toEqual({ isSending: false, disposition: null, error: 'invalid_input' })
  expect(engine.asked).toEqual([])
})

test('a refusal is shown until the next send, and raises nothing where nobody awaits it', async () => {
  const { engine, observer, send } = observed('k')
  engine.refuse(new StepwellError('storage_full', 'no room'))
  void send(1)
  await settled()
  expect(shown(observer)).toEqual({ isSending: false, disposition: null, error: 'storage_full' })
  engine.refuse(null)
  const sent = send(2)
  expect(observer.get()).toMatchObject({ isSending: true, error: null })
  await sent
  expect(shown(observer)).toEqual({ isSending: false, disposition: 'kept', error: null })
})

test('a value that cannot be stored is refused before anything is sent', async () => {
  const { engine, observer, send } = observed('k')
  expect(await codeOf(send(() => 1))).toBe('not_serializable')
  expect(observer.get().error?.code).toBe('not_serializable')
  expect(engine.asked).toEqual([])
})

test('the latest call wins, whichever is answered first', async () => {
  const { engine, observer, send } = observed('k')
  engine.hold()
  const first = send(1)
  const releaseFirst = engine.release()
  const second = send(2)
  expect(observer.get().isSending).toBe(true)
  await releaseFirst
  expect(await first).toEqual({ disposition: 'kept' })
  expect(await second).toEqual({ disposition: 'ignored' })
  expect(shown(observer).disposition).toBe('ignored')
})

test.each([7, '', {}, 'x'.repeat(513), 'a\ud800'])('a wrong key is refused by name: %j', (key) => {
  const observe = () => Reflect.apply(observeSignal, undefined, [scriptedClient({}).client, key])
  expect(observe).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  expect(observe).toThrow(/key of useSignal/)
})
