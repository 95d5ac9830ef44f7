/** The moments at which a tab gets further on its way to lead, seen from outside of the library. */
import { sharedNow } from '../clock.js'

/** The first time of each. */
export type Marks = Record<string, number>

export interface MarkMessage {
  readonly type: 'bench:mark'
  readonly name: string
  readonly at: number
}

export function isMarkMessage(data: unknown): data is MarkMessage {
  return typeof data === 'object' && data !== null && 'type' in data && data.type === 'bench:mark'
}

/** Calls `granted` with the name of each Web Lock that is granted in this thread. */
export function onLockGranted(granted: (name: string) => void): void {
  const { locks } = navigator
  const request = locks.request
  const observed = (name: string, ...rest: unknown[]): unknown => {
    const grant = rest.pop()
    const whenGranted = (lock: Lock | null): unknown => {
      if (lock !== null) granted(name)
      return typeof grant === 'function' ? grant(lock) : undefined
    }
    return Reflect.apply(request, locks, [name, ...rest, whenGranted])
  }
  Object.defineProperty(locks, 'request', { value: observed })
}

/** Calls `done` when the first promise that the method returns is resolved. */
export function onFirst(owner: object, method: string, done: () => void): void {
  const original: unknown = Reflect.get(owner, method)
  if (typeof original !== 'function') throw new Error(`there is no ${method}`)
  const observed = async function (this: unknown, ...args: unknown[]): Promise<unknown> {
    const result: unknown = await Reflect.apply(original, this, args)
    done()
    return result
  }
  Reflect.set(owner, method, observed)
}

/** For the engine's worker, which tells its page. */
export function tellMark(name: string): void {
  globalThis.postMessage({ type: 'bench:mark', name, at: sharedNow() } satisfies MarkMessage)
}
