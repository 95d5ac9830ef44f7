/** What the machine can do without anybody's library, in workers of the same page. */
import { answerer } from 'virtual:durably'
import type { Part } from '../part.js'

const worker = {
  raw: () => new Worker(new URL('./raw.ts', import.meta.url), { type: 'module' }),
  asker: () => new Worker(new URL('./asker.ts', import.meta.url), { type: 'module' }),
  echo: () => new Worker(new URL('./echo.ts', import.meta.url), { type: 'module' }),
}

/** What a worker answers to one message. It ends with that. */
function answered<T>(asked: Worker, message: unknown, transfer: Transferable[] = []): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    asked.onerror = ({ message }) => reject(new Error(message))
    asked.onmessage = ({ data }: MessageEvent<T>) => resolve(data)
    asked.postMessage(message, transfer)
  })
}

/** Round trips per second between two workers: one asks, the other answers. */
async function roundTrips(answering: Worker, count: number): Promise<number> {
  const asking = worker.asker()
  const { port1, port2 } = new MessageChannel()
  try {
    await answered(answering, { count, port: port2 }, [port2])
    return await answered<number>(asking, { count, port: port1 }, [port1])
  } finally {
    answering.terminate()
    asking.terminate()
  }
}

export const calls = {
  /** Writes and flushes of 4 KiB per second. */
  async raw(count: number): Promise<number> {
    const writing = worker.raw()
    try {
      return await answered<number>(writing, { count })
    } finally {
      writing.terminate()
    }
  },
  echo: (count: number): Promise<number> => roundTrips(worker.echo(), count),
  /** Each answer comes after one commit of a step's row and its run's. */
  async commit(count: number): Promise<number> {
    if (answerer === undefined) throw new Error('bench/durably is not installed')
    return roundTrips(answerer(), count)
  },
} satisfies Part['calls']
