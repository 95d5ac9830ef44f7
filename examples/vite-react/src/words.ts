/** Numbers and times as a reader wants them. */
const whole = new Intl.NumberFormat('en')
const dollars = new Intl.NumberFormat('en', {
  style: 'currency',
  currency: 'USD',
  notation: 'compact',
})
const time = new Intl.DateTimeFormat('en', { timeStyle: 'medium', hourCycle: 'h23' })
const dayTime = new Intl.DateTimeFormat('en', {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
})

export const count = (value: number): string => whole.format(value)
export const money = (value: number): string => dollars.format(value)
export const clock = (at: number): string => time.format(at)
export const moment = (at: number): string => dayTime.format(at)

/** The random end of a UUIDv7: runs of the same minute begin alike. */
export const shortId = (id: string): string => id.slice(-6)

export function duration(ms: number): string {
  return ms < 10_000 ? `${ms} ms` : `${Math.round(ms / 1000)} s`
}
