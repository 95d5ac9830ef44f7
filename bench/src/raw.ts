/** The floor: 4 KiB written and flushed through a synchronous access handle, in a worker of the same page. */
onmessage = async ({ data: { times } }: MessageEvent<{ times: number }>) => {
  const root = await navigator.storage.getDirectory()
  const file = await root.getFileHandle('raw', { create: true })
  const handle = await file.createSyncAccessHandle()
  const block = new Uint8Array(4096).fill(7)
  const startedAt = performance.now()
  for (let i = 0; i < times; i++) {
    handle.write(block, { at: (i % 256) * block.length })
    handle.flush()
  }
  const seconds = (performance.now() - startedAt) / 1000
  handle.close()
  postMessage(times / seconds)
}
