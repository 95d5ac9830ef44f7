/** `observeSignal`: the core of `useSignal`. One observer for each hook: what it shows is what that hook sent. */
import type { ClientCore } from '../client/core.js'
import { createEmitter } from '../client/emitter.js'
import type { Stepwell } from '../client/types.js'
import { StepwellError, toStepwellError } from '../errors.js'
import { checkSignalKey } from '../signal-key.js'
import { handled } from './handled.js'
import type { Observer, SignalView } from './types.js'

/**
 * Sends signals of one key, and observes what became of the latest. `null` and `undefined`: the key is not known yet, and
 * `send` rejects.
 */
export function observeSignal<T = unknown>(
  client: Pick<Stepwell, '~core'>,
  key: string | null | undefined,
): Observer<SignalView<T>>
export function observeSignal(
  client: Pick<Stepwell, '~core'>,
  key: string | null | undefined,
): unknown {
  const checked = key === null || key === undefined ? null : checkSignalKey(key, KEY)
  return createSignalObserver(client['~core'], checked)
}

const KEY = 'The key of useSignal'

function createSignalObserver(core: ClientCore, key: string | null): Observer<SignalView> {
  const changes = createEmitter<void>()
  let latest = 0
  const show = (state: Partial<SignalView>) => {
    view = { ...view, ...state }
    changes.emit()
  }
  /** The latest call wins: what becomes of an earlier one is told to its caller only. */
  const sendOne = async (value: unknown) => {
    latest += 1
    const call = latest
    show({ isSending: true, error: null })
    try {
      if (key === null) throw new StepwellError('invalid_input', NO_KEY)
      const signalled = await core.signal(key, value)
      if (call === latest) show({ isSending: false, disposition: signalled.disposition })
      return signalled
    } catch (reason) {
      const error = toStepwellError(reason)
      if (call === latest) show({ isSending: false, error })
      throw reason
    }
  }
  const send = (value?: unknown) => handled(sendOne(value))
  const idle: SignalView = { send, isSending: false, disposition: null, error: null }
  const server = Object.freeze({ ...idle })
  let view = idle
  return {
    get: () => view,
    getServer: () => server,
    subscribe: (listener) => changes.on(listener),
  }
}

const NO_KEY =
  'There is no key to send the signal to: useSignal was given none. Disable the button until the run waits: waitingFor.key.'
