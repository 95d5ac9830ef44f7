// CPU time of a browser's renderers, as Linux counts it.
import { readdirSync, readFileSync } from 'node:fs'

export async function renderers(context) {
  const session = await context.browser().newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  await session.detach()
  return processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)
}

/** Milliseconds of CPU time of each thread of a dedicated worker. */
export function workerThreads(processes) {
  const times = threadTimes(processes, ({ name }) => name.startsWith('DedicatedWorker'))
  if (times.size === 0 || [...times.values()].includes(0)) throw new Error('no CPU time was read')
  return times
}

/** The same of each process's main thread. */
export function mainThreads(processes) {
  return threadTimes(processes, ({ process, thread }) => String(process) === thread)
}

/** How much was added between two readings. A thread that ended meanwhile has added nothing. */
export function added(before, after) {
  return [...after].map(([thread, ms]) => ms - (before.get(thread) ?? 0))
}

function threadTimes(processes, isCounted) {
  const times = new Map()
  for (const process of processes) {
    for (const thread of readdirSync(`/proc/${process}/task`)) {
      const folder = `/proc/${process}/task/${thread}`
      const name = readFileSync(`${folder}/comm`, 'utf8')
      if (!isCounted({ name, process, thread })) continue
      const [nanoseconds] = readFileSync(`${folder}/schedstat`, 'utf8').split(' ')
      times.set(thread, Number(nanoseconds) / 1e6)
    }
  }
  return times
}
