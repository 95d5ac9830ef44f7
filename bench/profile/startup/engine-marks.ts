/** Evaluated before the engine worker's own module: says how far an opening is, and what the disk costs it. */
import { observe, onLock, wallNow } from './marks.js'

const say = (name: string, at = wallNow()) =>
  globalThis.postMessage({ type: 'startup:mark', name, at })

say('engine script')
observe(
  WebAssembly,
  'instantiateStreaming',
  () => say('wasm asked for'),
  () => say('wasm'),
)
observe(
  globalThis,
  'fetch',
  () => undefined,
  () => say('wasm response'),
)
observe(
  StorageManager.prototype,
  'getDirectory',
  () => say('folder asked for'),
  () => say('folder'),
)
observe(
  FileSystemFileHandle.prototype,
  'createSyncAccessHandle',
  () => say('first file asked for'),
  () => say('last file'),
)
observe(FileSystemSyncAccessHandle.prototype, 'flush', () => say('first flush'))
onLock((what, name) => {
  if (/^stepwell:[^:]+$/.test(name)) say(what === 'asked' ? 'engine lock asked for' : 'engine lock')
})
globalThis.addEventListener('message', () => say('told to open'), { once: true })
for (const method of ['flush', 'read', 'write']) {
  let startedAt = 0
  let ms = 0
  let count = 0
  const before = () => {
    startedAt = performance.now()
  }
  const after = () => {
    ms += performance.now() - startedAt
    count += 1
  }
  observe(FileSystemSyncAccessHandle.prototype, method, before, after)
  observe(globalThis, 'postMessage', ([message]) => {
    if (typeof message !== 'object' || message === null || !('type' in message)) return
    if (message.type !== 'opened') return
    say(`${method} ms`, ms)
    say(`${method} count`, count)
  })
}
observe(globalThis, 'postMessage', ([message]) => {
  if (typeof message !== 'object' || message === null || !('type' in message)) return
  if (message.type === 'opened') say('told')
})
