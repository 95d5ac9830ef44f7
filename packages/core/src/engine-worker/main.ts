/**
 * The entry of the engine worker, and `@stepwell/core/engine-worker` for a worker file of the user's own. Everything is
 * attached before the first task: a bundler may make it a classic script. Outside of a dedicated worker it does nothing.
 */
import { createHost } from './host.js'

if ('DedicatedWorkerGlobalScope' in globalThis) {
  // A file may be large: it is handed over, and not copied.
  const host = createHost((message) => {
    globalThis.postMessage(message, {
      transfer: message.type === 'exported' ? [message.bytes.buffer] : [],
    })
  })
  globalThis.onmessage = ({ data }: MessageEvent<unknown>) => host.receive(data)
  // A panic inside the wasm's own promises and timers surfaces only here.
  globalThis.addEventListener('error', ({ error, message }) => host.crashed(error ?? message))
  globalThis.addEventListener('unhandledrejection', ({ reason }) => host.crashed(reason))
}
