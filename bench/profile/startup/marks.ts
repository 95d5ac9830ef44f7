/** The moments of a start, by the clock of its page. Its workers live in the same process and share that clock. */

export interface MarkMessage {
  readonly type: 'startup:mark'
  readonly name: string
  readonly at: number
}

export const wallNow = (): number => performance.timeOrigin + performance.now()

export function isMarkMessage(data: unknown): data is MarkMessage {
  return typeof data === 'object' && data !== null && 'type' in data && data.type === 'startup:mark'
}

/** Replaces a method by one that calls `before` first, and `after` with what it returns or resolves with. */
export function observe(
  owner: object,
  method: string,
  before: (args: readonly unknown[]) => void,
  after: (result: unknown) => void = () => undefined,
): void {
  const original: unknown = Reflect.get(owner, method)
  if (typeof original !== 'function') throw new Error(`there is no ${method}`)
  const observed = function (this: unknown, ...args: unknown[]): unknown {
    before(args)
    const result: unknown = Reflect.apply(original, this, args)
    if (!(result instanceof Promise)) {
      after(result)
      return result
    }
    return result.then((value: unknown) => {
      after(value)
      return value
    })
  }
  Object.defineProperty(owner, method, { value: observed, writable: true, configurable: true })
}

/** Calls `say` with the name of each Web Lock that is asked for, or granted, in this thread. */
export function onLock(say: (what: 'asked' | 'granted', name: string) => void): void {
  const { locks } = navigator
  const request = locks.request
  const observed = (name: string, ...rest: unknown[]): unknown => {
    say('asked', name)
    const grant = rest.pop()
    const whenGranted = (lock: Lock | null): unknown => {
      if (lock !== null) say('granted', name)
      return typeof grant === 'function' ? grant(lock) : undefined
    }
    return Reflect.apply(request, locks, [name, ...rest, whenGranted])
  }
  Object.defineProperty(locks, 'request', { value: observed })
}
