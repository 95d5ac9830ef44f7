/**
 * The jobs, and the entry of the worker that runs them. The page imports this module too, for names and types: keep
 * React components and everything that needs a window out of it.
 */
import { defineJob } from '@stepwell/core'
import { serveJobs } from '@stepwell/core/executor'
import { z } from 'zod'
import {
  bulletinSchema,
  callThePress,
  countPart,
  countSchema,
  PARTS,
  sum,
  type Vote,
} from './bulletin.ts'
import { mergeTables, parse, summarise, type Table, tableSchema } from './csv.ts'
import { loadFlights } from './flights.ts'
import { countDelays, type Histogram, histogramSchema, merge, totalOf } from './histogram.ts'
import { LABELS } from './labels.ts'
import { adviceFor, FLIGHTS_MIN, flightsOf, isBad, reportSchema, spread } from './report.ts'
import { pause, witness } from './witness.ts'

export const BATCHES = 400
const CSV_ROWS = 500
/** A report takes its time, so that the run table can be watched. */
const REPORT_STEP_MS = 120

const labels = z.object({ source: z.enum(LABELS.source) })

// The story shows these lines before the first start.
// #region flights
export const flights = defineJob({
  name: 'flights',
  output: histogramSchema,
  labels, // checked at each trigger, and typed there
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
  input: z.object({ file: z.instanceof(File) }),
  output: tableSchema,
  labels,
  run: async (step, { file }) => {
    const { names, rows } = await parse(file)
    const batches = Math.max(1, Math.ceil(rows.length / CSV_ROWS))
    let table: Table | null = null
    for (let i = 0; i < batches; i++) {
      const batch = rows.slice(i * CSV_ROWS, (i + 1) * CSV_ROWS)
      const part = await step.run(`rows-${i}`, () => summarise(names, batch))
      table = mergeTables(table, part)
      step.progress(i + 1, batches, `${table.rows} rows`)
    }
    return table ?? { rows: 0, columns: [] }
  },
})

/** Small enough to start two dozen of them in one transaction. Two hours have too few flights, and their runs fail. */
export const hourReport = defineJob({
  name: 'hour-report',
  input: z.object({ hour: z.number().int().min(0).max(23) }),
  output: reportSchema,
  labels: labels.extend({ daypart: z.enum(LABELS.daypart) }),
  run: async (step, { hour }) => {
    const { flights, late } = await step.run('count', async ({ signal, log }) => {
      await pause(REPORT_STEP_MS, signal)
      const rows = await loadFlights()
      log.debug('data set in memory', { rows: rows.length })
      const { flights, late } = totalOf(countDelays(flightsOf(rows, hour)))
      log.info(`${flights} flights`, { hour, late })
      return { flights, late: late / flights }
    })
    step.progress(1, 3)
    const { median, worst } = await step.run('spread', async ({ signal, log }) => {
      await pause(REPORT_STEP_MS, signal)
      if (flights < FLIGHTS_MIN) {
        log.error('too few flights for a report', { flights, needed: FLIGHTS_MIN })
        throw new Error(
          `Only ${flights} flights leave at ${hour}:00: a report needs ${FLIGHTS_MIN}.`,
        )
      }
      return spread(flightsOf(await loadFlights(), hour))
    })
    step.progress(2, 3)
    const advice = await step.run('advise', async ({ signal, log }) => {
      await pause(REPORT_STEP_MS, signal)
      if (isBad(late)) log.warn('a bad hour to fly', { late })
      return adviceFor(late)
    })
    step.progress(3, 3)
    return { flights, late, medianMinutes: median, worstMinutes: worst, advice }
  },
})

export const countFlights = defineJob({
  name: 'count-flights',
  input: z.object({ part: z.number().int().min(0) }),
  output: countSchema,
  labels,
  run: (step, { part }) => step.run('count', ({ signal }) => countPart(part, signal)),
})

// And these on the page about waiting.
// #region bulletin
export const bulletin = defineJob({
  name: 'bulletin',
  output: bulletinSchema,
  labels,
  run: async (step) => {
    // Fifty runs with steps of their own.
    const calls = PARTS.map((part) => ({
      job: countFlights,
      input: { part },
      labels: { source: 'bulletin' } as const,
    }))
    const counts = await step.invokeAll('count', calls)
    const total = sum(counts)

    // Reload, or come back tomorrow: it counts on.
    await step.sleep('embargo', '10s')

    const vote = await step.waitForSignal<Vote>('approval')
    const isApproved = vote.received && vote.value.isApproved
    if (!isApproved) return { ...total, isPublished: false }

    // Busy twice: again after 2 s, then after 4 s.
    await step.run('publish', callThePress, {
      timeout: '10s',
      retry: {
        maxAttempts: 5,
        initialDelay: '2s',
        factor: 2,
      },
    })
    return { ...total, isPublished: true }
  },
})
// #endregion

export const jobs = serveJobs({ flights, importCsv, hourReport, bulletin, countFlights })
