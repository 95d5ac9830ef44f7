// The workers of a page, as the browser's debugger sees them.

const MEGABYTE = 1_000_000

/** At the head of each script: notes the memories of what is instantiated there. */
function noteMemories() {
  if (globalThis.memories !== undefined) return
  globalThis.memories = new Set()
  for (const name of ['instantiate', 'instantiateStreaming']) {
    const original = WebAssembly[name]
    WebAssembly[name] = async (source, imports) => {
      const result = await original.call(WebAssembly, source, imports)
      const { exports } = result.instance ?? result
      const all = [exports, ...Object.values(imports ?? {})].flatMap(Object.values)
      for (const value of all) if (value instanceof WebAssembly.Memory) memories.add(value)
      return result
    }
  }
}

function memoryBytes() {
  return [...memories].reduce((sum, { buffer }) => sum + buffer.byteLength, 0)
}

/** Watches the workers that a page starts from now on. */
export async function watchWorkers(lab, page) {
  await page.route('**/assets/*.js', async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, body: `(${noteMemories})();${await response.text()}` })
  })
  const session = await lab.context.newCDPSession(page)
  const pending = new Map()
  const workers = []
  let last = 0
  session.on('Target.receivedMessageFromTarget', ({ message }) => {
    const { id, result, error } = JSON.parse(message)
    const { resolve, reject } = pending.get(id) ?? {}
    pending.delete(id)
    if (error === undefined) resolve?.(result)
    else reject?.(new Error(error.message))
  })
  session.on('Target.attachedToTarget', ({ sessionId }) => {
    const send = (method, params = {}) => {
      last += 1
      const message = JSON.stringify({ id: last, method, params })
      const answer = new Promise((resolve, reject) => pending.set(last, { resolve, reject }))
      session.send('Target.sendMessageToTarget', { sessionId, message }).catch(() => undefined)
      return answer
    }
    workers.push(send)
  })
  await session.send('Target.setAutoAttach', {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: false,
  })
  return workers
}

/**
 * Of the worker that has SQLite: megabytes of its WebAssembly memory, and of its JavaScript heap.
 *
 * @param workers what `watchWorkers` returned.
 */
export async function memoryOfDatabaseWorker(workers) {
  for (const send of workers) {
    const { result } = await send('Runtime.evaluate', { expression: `(${memoryBytes})()` })
    if (result.value === 0) continue
    const { usedSize } = await send('Runtime.getHeapUsage')
    return [result.value / MEGABYTE, usedSize / MEGABYTE]
  }
  throw new Error('no worker has a WebAssembly memory')
}
