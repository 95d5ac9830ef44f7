/**
 * The lines between the parts of one tab, tapped: whatever is said on them goes through this page, which can say more.
 * Between tabs there is nothing to tap: anybody can post to a channel.
 */

/** What a door is called, and what says something to whoever stands behind it. */
export type Taps = Readonly<Record<string, (message: unknown, transfer?: Transferable[]) => void>>

declare global {
  interface Window {
    /** What this page's client says that it is. */
    buildId: string
  }
}

interface Ports {
  readonly port: MessagePort
}

/** To be called before a client is made. */
export function tapWorkers(): Taps {
  const taps: Record<string, (message: unknown, transfer?: Transferable[]) => void> = {}
  window.buildId = ''
  const post = Worker.prototype.postMessage
  const say = (worker: Worker, message: unknown, transfer: Transferable[]) =>
    Reflect.apply(post, worker, [message, transfer])
  /** The end that stands for a port: each side hears all that the other says. */
  const tapped = (theirs: MessagePort, toIt: string, fromIt: string): MessagePort => {
    const { port1: ours, port2: other } = new MessageChannel()
    ours.onmessage = ({ data }) => theirs.postMessage(data)
    theirs.onmessage = ({ data }) => ours.postMessage(data)
    taps[toIt] = (message, transfer = []) => theirs.postMessage(message, transfer)
    taps[fromIt] = (message, transfer = []) => ours.postMessage(message, transfer)
    return other
  }
  Worker.prototype.postMessage = function (message: unknown, transfer: unknown = []) {
    const given = Array.isArray(transfer) ? transfer : []
    const { type, buildId } = Object(message)
    if (type === 'stepwell:open') {
      window.buildId = buildId
      taps['engineWorker'] = (item, more = []) => say(this, item, more)
    }
    if (type === 'stepwell:executor' && hasPort(message)) {
      // The port leads to the executor: what is said there goes to it.
      const port = tapped(message.port, 'toExecutor', 'executor')
      return say(this, { ...message, port }, [port])
    }
    if (type === 'stepwell:connect' && hasContext(message)) {
      taps['connect'] = (item, more = []) => say(this, item, more)
      const { context } = message
      if (context === null) return say(this, message, given)
      const port = tapped(context.port, 'context', 'fromContext')
      const rest = given.filter((item) => item !== context.port)
      return say(this, { ...message, context: { ...context, port } }, [...rest, port])
    }
    return say(this, message, given)
  }
  return taps
}

function hasPort(message: unknown): message is Ports {
  return typeof message === 'object' && message !== null && 'port' in message
}

function hasContext(message: unknown): message is { readonly context: Ports | null } {
  return typeof message === 'object' && message !== null && 'context' in message
}
