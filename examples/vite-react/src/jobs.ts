/**
 * The jobs, and the entry of the worker that runs them. The page imports this module too, for names and types: keep
 * React components and everything that needs a window out of it.
 */
import { defineJob } from '@stepwell/core'
import { serveJobs } from '@stepwell/core/executor'
import { z } from 'zod'
import { forget, mergeTables, parseOnce, summarise, type Table, tableSchema } from './csv.ts'
import { loadFlights } from './flights.ts'
import { countDelays, type Histogram, histogramSchema, merge, totalOf } from './histogram.ts'
import { witness } from './witness.ts'

export const BATCHES = 400
const CSV_ROWS = 500

// The page shows these lines before the first start.
// #region flights
export const flights = defineJob({
  name: 'flights',
  output: histogramSchema,
  run: async (step) => {
    let total: Histogram = []
    for (let i = 0; i < BATCHES; i++) {
      const part = await step.run(`batch-${i}`, async ({ signal, log }) => {
        await witness(step, i, signal) // slow motion, and “Make a batch fail”
        const rows = await loadFlights() // 200,000, cached by this worker
        const size = rows.length / BATCHES
        const delays = countDelays(rows.slice(i * size, (i + 1) * size))
        const { flights, late } = totalOf(delays)
        log.info(`${flights} flights, ${late} late`)
        return delays // committed to SQLite before the next step starts
      })
      total = merge(total, part)
      step.progress(i + 1, BATCHES)
    }
    return total
  },
})
// #endregion

export const importCsv = defineJob({
  name: 'import-csv',
  input: z.object({ name: z.string(), text: z.string() }),
  output: tableSchema,
  run: async (step, { text }) => {
    const { names, rows } = parseOnce(step.runId, text)
    const batches = Math.max(1, Math.ceil(rows.length / CSV_ROWS))
    let table: Table | null = null
    for (let i = 0; i < batches; i++) {
      const batch = rows.slice(i * CSV_ROWS, (i + 1) * CSV_ROWS)
      const part = await step.run(`rows-${i}`, () => summarise(names, batch))
      table = mergeTables(table, part)
      step.progress(i + 1, batches, `${table.rows} rows`)
    }
    forget(step.runId)
    return table ?? { rows: 0, columns: [] }
  },
})

export const jobs = serveJobs({ flights, importCsv })
