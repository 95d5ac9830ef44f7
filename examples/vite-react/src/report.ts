/** The third job's work: what is to be known about the flights of one hour. Runs in the worker. */
import { z } from 'zod'
import type { Flight } from './histogram.ts'

export const reportSchema = z.object({
  flights: z.number(),
  /** The share of flights that came in late, 0 to 1. */
  late: z.number(),
  medianMinutes: z.number(),
  worstMinutes: z.number(),
  advice: z.string(),
})

/** Of fewer flights nothing can be said: such an hour's run fails, and says so. */
export const FLIGHTS_MIN = 50
/** From this share of late flights on a reader should be warned. */
const LATE_SHARE_BAD = 0.25

export const flightsOf = (rows: readonly Flight[], hour: number): readonly Flight[] =>
  rows.filter(({ time }) => Math.floor(time) === hour)

export function spread(flights: readonly Flight[]): { median: number; worst: number } {
  const delays = flights.map(({ delay }) => delay).sort((a, b) => a - b)
  return { median: delays[delays.length >> 1] ?? 0, worst: delays.at(-1) ?? 0 }
}

export const isBad = (late: number): boolean => late >= LATE_SHARE_BAD

export const adviceFor = (late: number): string =>
  isBad(late) ? 'Take a book along.' : 'You will most likely be there on time.'
