/** `client.subscribe` before there is a runtime: a subscription begins with its first `next`, which waits for it. */
import type { ClientCore } from './core.js'
import type { Subscription } from './subscribe.js'

const DONE = { done: true, value: undefined } as const

export function lateSubscription({ call }: Pick<ClientCore, 'call'>, runId: string): Subscription {
  let opened: Subscription | null = null
  let isOver = false
  const self: Subscription = {
    next: () =>
      call(async ({ subscribe }) => {
        if (isOver) return DONE
        opened ??= subscribe(runId)
        return opened.next()
      }),
    async return() {
      isOver = true
      return opened === null ? DONE : opened.return()
    },
    [Symbol.asyncIterator]: () => self,
  }
  return self
}
