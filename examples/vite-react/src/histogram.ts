/** Delays by hour of departure: what each batch returns, and what all of them add up to. */
import { z } from 'zod'

const bucketSchema = z.object({
  /** 0 to 23. */
  hour: z.number(),
  flights: z.number(),
  /** Those that came in later than `LATE_MINUTES`. */
  late: z.number(),
  /** The minutes that all flights of the hour lost; those that came early lost none. */
  minutes: z.number(),
})

/** Only hours that have flights, in order. */
export const histogramSchema = z.array(bucketSchema)

export type Histogram = z.output<typeof histogramSchema>
export type Bucket = z.output<typeof bucketSchema>

export interface Flight {
  /** In minutes; negative for one that came early. */
  readonly delay: number
  /** Of departure, in hours: 13.5 is half past one. */
  readonly time: number
}

export const LATE_MINUTES = 15

export function countDelays(flights: readonly Flight[]): Histogram {
  const buckets = new Map<number, Bucket>()
  for (const { delay, time } of flights) {
    const hour = Math.floor(time)
    const bucket = buckets.get(hour) ?? { hour, flights: 0, late: 0, minutes: 0 }
    bucket.flights += 1
    bucket.late += delay > LATE_MINUTES ? 1 : 0
    bucket.minutes += Math.max(delay, 0)
    buckets.set(hour, bucket)
  }
  return inOrder(buckets)
}

export function merge(a: Histogram, b: Histogram): Histogram {
  const buckets = new Map(a.map((bucket) => [bucket.hour, bucket]))
  for (const more of b) {
    const known = buckets.get(more.hour)
    buckets.set(more.hour, known === undefined ? more : added(known, more))
  }
  return inOrder(buckets)
}

/** The whole histogram as one bucket, without its hour. */
export function totalOf(histogram: Histogram): Omit<Bucket, 'hour'> {
  return histogram.reduce(added, { hour: 0, flights: 0, late: 0, minutes: 0 })
}

function added(a: Bucket, b: Bucket): Bucket {
  return {
    hour: a.hour,
    flights: a.flights + b.flights,
    late: a.late + b.late,
    minutes: a.minutes + b.minutes,
  }
}

function inOrder(buckets: ReadonlyMap<number, Bucket>): Histogram {
  return [...buckets.values()].sort((a, b) => a.hour - b.hour)
}
