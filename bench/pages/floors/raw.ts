/// <reference lib="webworker" />
/** The floor: 4 KiB written and flushed, again and again, through a synchronous access handle. Runs in a worker. */
const BYTES = 4_096

addEventListener('message', async ({ data }: MessageEvent<{ count: number }>) => {
  const root = await navigator.storage.getDirectory()
  const file = await root.getFileHandle('raw-floor', { create: true })
  const handle = await file.createSyncAccessHandle()
  const page = new Uint8Array(BYTES).fill(7)
  const start = performance.now()
  for (let i = 0; i < data.count; i++) {
    // As a WAL is written: forward.
    handle.write(page, { at: i * BYTES })
    handle.flush()
  }
  const seconds = (performance.now() - start) / 1_000
  handle.close()
  postMessage(data.count / seconds)
})

export {}
