/** Evaluated before the engine worker's own module. */
import { onFirst, onLockGranted, tellMark } from './marks.js'

tellMark('engine script')
onFirst(WebAssembly, 'instantiateStreaming', () => tellMark('wasm'))
onFirst(FileSystemFileHandle.prototype, 'createSyncAccessHandle', () => tellMark('first file'))
onLockGranted((name) => {
  if (/^stepwell:[^:]+$/.test(name)) tellMark('engine lock')
})
