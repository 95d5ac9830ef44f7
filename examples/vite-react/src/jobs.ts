/**
 * The jobs, and the entry of the worker that runs them. The page imports this module too, for names and types: keep
 * React components and everything that needs a window out of it.
 */
import { defineJob } from '@stepwell/core'
import { serveJobs } from '@stepwell/core/executor'
import { z } from 'zod'
import { loadMovies } from './movies.ts'
import { EMPTY, merge, repairCount, summarise, summarySchema } from './summary.ts'

const BATCH_SIZE = 50
const SLOW_MOTION_MS = 100
const FAILING_BATCH = 20

export const importMovies = defineJob({
  name: 'import-movies',
  input: z.object({
    groupBy: z.enum(['genre', 'decade']).default('genre'),
    slowMotion: z.boolean().default(false),
    failBatch20: z.boolean().default(false),
  }),
  output: summarySchema,
  run: async (step, { groupBy, slowMotion, failBatch20 }) => {
    const rows = await step.run('count', async () => (await loadMovies()).length)
    const batches = Math.ceil(rows / BATCH_SIZE)
    step.log.info(`${rows} films in ${batches} batches, grouped by ${groupBy}`)

    let summary = EMPTY
    for (let i = 0; i < batches; i++) {
      const part = await step.run(`batch-${i}`, async ({ signal, attempt, log }) => {
        if (slowMotion) await pause(SLOW_MOTION_MS, signal)
        if (failBatch20 && i === FAILING_BATCH && attempt === 1) {
          throw new Error('Batch 20 failed, as you asked. Retry: it works at the second attempt.')
        }
        const batch = (await loadMovies()).slice(i * BATCH_SIZE, (i + 1) * BATCH_SIZE)
        const result = summarise(batch, groupBy, (text) => log.warn(text))
        log.info(`films: ${result.films}, mended: ${repairCount(result)}`, result.repairs)
        return result
      })
      summary = merge(summary, part)
      step.progress(i + 1, batches, `${summary.films} of ${rows} films`)
    }
    return summary
  },
})

export const jobs = serveJobs({ importMovies })

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const timer = setTimeout(done, ms)
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      if (signal.aborted) reject(signal.reason)
      else resolve()
    }
    signal.addEventListener('abort', done)
  })
}
