/**
 * A hunt for races: with `STEPWELL_JITTER=120` what workers and other tabs say reaches each page up to so many
 * milliseconds late. What one worker or one channel says keeps its order, as in a browser; two of them keep none.
 *
 * A test that fails then has taken something for certain that is not, or has found a race of the client. Where a test
 * counts time, or the messages in one task, the delay itself may be what it sees.
 */
import type { BrowserContext } from '@playwright/test'

const MS_MAX = Number(process.env['STEPWELL_JITTER'] ?? 0)

export async function addJitter(context: BrowserContext): Promise<void> {
  if (MS_MAX > 0) await context.addInitScript(delayMessages, MS_MAX)
}

/** Runs in the page, before its own code. */
function delayMessages(msMax: number): void {
  // Before a test installs a clock of its own.
  const later = globalThis.setTimeout.bind(globalThis)
  const waiting = new WeakMap<EventTarget, (() => void)[]>()
  const closed = new WeakSet<EventTarget>()

  const deliver = (target: EventTarget, queue: (() => void)[]) => {
    later(() => {
      // Those that came meanwhile too, like those that wait for a busy thread.
      for (const tell of queue.splice(0)) later(tell, 0)
      waiting.delete(target)
    }, Math.random() * msMax)
  }
  const delay = (target: EventTarget, tell: () => void) => {
    const queue = waiting.get(target)
    if (queue !== undefined) return void queue.push(tell)
    const begun = [tell]
    waiting.set(target, begun)
    deliver(target, begun)
  }
  const delayed = (prototype: Worker | BroadcastChannel, close: 'terminate' | 'close') => {
    const own = Object.getOwnPropertyDescriptor(prototype, 'onmessage')
    const ownClose: unknown = Reflect.get(prototype, close)
    if (own?.set === undefined || typeof ownClose !== 'function') return
    const { set } = own
    Object.defineProperty(prototype, 'onmessage', {
      ...own,
      set(this: EventTarget, listener: unknown) {
        const call = (event: unknown) => {
          const isOpen = !closed.has(this)
          if (isOpen && typeof listener === 'function') Reflect.apply(listener, this, [event])
        }
        set.call(this, (event: unknown) => delay(this, () => call(event)))
      },
    })
    Object.defineProperty(prototype, close, {
      configurable: true,
      value(this: EventTarget) {
        // Nothing is heard of it any more.
        closed.add(this)
        Reflect.apply(ownClose, this, [])
      },
    })
  }
  delayed(Worker.prototype, 'terminate')
  delayed(BroadcastChannel.prototype, 'close')
}
