/** The work of the job that waits: parts of the data set, and a press desk that is often busy. Runs in the worker. */
import { z } from 'zod'
import { loadFlights } from './flights.ts'
import { countDelays, totalOf } from './histogram.ts'
import { pause } from './witness.ts'

/** Each is a run of its own. */
export const PARTS = Array.from({ length: 50 }, (_, part) => part)
/** So that one can see them fill in. */
const PART_MS = 250
const CALL_MS = 600
/** The desk answers at the third call. */
const BUSY_CALLS = 2

export const countSchema = z.object({ flights: z.number(), late: z.number() })
export const bulletinSchema = countSchema.extend({ isPublished: z.boolean() })
export type Count = z.output<typeof countSchema>

/** What the page sends by the signal. */
export interface Vote {
  readonly isApproved: boolean
}

export async function countPart(part: number, signal: AbortSignal): Promise<Count> {
  await pause(PART_MS, signal)
  const rows = await loadFlights()
  const size = rows.length / PARTS.length
  const { flights, late } = totalOf(countDelays(rows.slice(part * size, (part + 1) * size)))
  return { flights, late }
}

export function sum(counts: readonly Count[]): Count {
  return counts.reduce((a, b) => ({ flights: a.flights + b.flights, late: a.late + b.late }), {
    flights: 0,
    late: 0,
  })
}

/** What a step’s function is given, as far as a call needs it. */
interface Call {
  readonly attempt: number
  readonly signal: AbortSignal
  readonly log: { info(message: string): void; warn(message: string): void }
}

export async function callThePress({ attempt, signal, log }: Call): Promise<void> {
  log.info(`calling the press desk, attempt ${attempt}`)
  await pause(CALL_MS, signal)
  if (attempt <= BUSY_CALLS) {
    log.warn('the line is busy')
    throw new Error('The press desk is busy.')
  }
  log.info('they print it')
}
