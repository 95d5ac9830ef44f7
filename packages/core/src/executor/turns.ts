/**
 * Macrotasks by number, so that it can be told whether the continuations of something have run: they have as soon as
 * another macrotask runs, because all microtasks run before it.
 */
export interface Turns {
  /** The number of the macrotask that runs now. */
  readonly current: () => number
  /** To be called at the start of each macrotask that enters the executor. */
  readonly begin: () => void
  /** Runs a task in a macrotask of its own, soon: no timer, so a hidden page does not slow it down. */
  readonly later: (task: () => void) => void
  readonly close: () => void
}

export function createTurns(): Turns {
  let turn = 0
  let channel: MessageChannel | null = null
  const tasks: (() => void)[] = []

  const begin = () => {
    turn += 1
  }
  const open = (): MessageChannel => {
    const opened = new MessageChannel()
    opened.port1.onmessage = () => {
      begin()
      tasks.shift()?.()
    }
    return opened
  }
  return {
    current: () => turn,
    begin,
    later(task) {
      tasks.push(task)
      channel ??= open()
      channel.port2.postMessage(null)
    },
    close() {
      tasks.length = 0
      channel?.port1.close()
      channel?.port2.close()
      channel = null
    },
  }
}
