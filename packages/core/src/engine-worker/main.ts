/** The entry of the engine worker. Everything is attached before the first task: a bundler may make it a classic script. */
import { createHost } from './host.js'

const host = createHost((message) => globalThis.postMessage(message))
globalThis.onmessage = ({ data }: MessageEvent<unknown>) => host.receive(data)
// A panic inside the wasm's own promises and timers surfaces only here.
globalThis.addEventListener('error', ({ error, message }) => host.crashed(error ?? message))
globalThis.addEventListener('unhandledrejection', ({ reason }) => host.crashed(reason))
