/** Durations: `'500ms' | '10s' | '5m' | '24h' | '30d'`, or whole milliseconds. */
import { invalid, shown } from './options.js'

type Unit = 'ms' | 's' | 'm' | 'h' | 'd'
export type Duration = number | `${number}${Unit}`

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** A century: beyond it lies a mistake in the unit. */
const DURATION_MS_MAX = 100 * 366 * 86_400_000

/** The milliseconds of a duration; zero and less are refused. */
export function durationMs(value: unknown, name: string): number {
  const ms = typeof value === 'string' ? parse(value) : value
  if (typeof ms !== 'number' || !Number.isInteger(ms) || ms <= 0 || ms > DURATION_MS_MAX) {
    throw invalid(
      `${name} must be a duration such as '500ms', '10s', '5m', '24h' or '30d', or a positive whole number ` +
        `of milliseconds, and is ${shown(value)}.`,
    )
  }
  return ms
}

function parse(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text)
  const unit = UNIT_MS[match?.[2] ?? '']
  return unit === undefined ? undefined : Number(match?.[1]) * unit
}
