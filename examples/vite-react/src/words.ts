/** Numbers and times as a reader wants them. */
const whole = new Intl.NumberFormat('en')
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 })
const time = new Intl.DateTimeFormat('en', { timeStyle: 'medium', hourCycle: 'h23' })
const dayTime = new Intl.DateTimeFormat('en', {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
})

export const count = (value: number): string => whole.format(value)
export const figure = (value: number): string => short.format(value)
export const clock = (at: number): string => time.format(at)
export const moment = (at: number): string => dayTime.format(at)
/** To the second if it was today. */
export const when = (at: number): string =>
  new Date(at).toDateString() === new Date().toDateString() ? clock(at) : moment(at)

export const plural = (value: number, noun: string): string =>
  `${count(value)} ${noun}${value === 1 ? '' : 's'}`

/** The random end of a UUIDv7: runs of the same minute begin alike. */
export const shortId = (id: string): string => id.slice(-6)

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`
}

const clockHour = (hour: number): string => `${String(hour).padStart(2, '0')}:00`
export const hours = (hour: number): string => `${clockHour(hour)}–${clockHour(hour + 1)}`

/** A size in bytes. */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`
  if (bytes < 1e6) return `${Math.round(bytes / 1000)} kB`
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}

const list = new Intl.ListFormat('en')
export const listed = (words: readonly string[]): string => list.format(words)

/** What is left of a wait: `12 s`, `4:05 min`, `6 days`. */
export function timeLeft(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${twoDigits(seconds % 60)} min`
  const wholeHours = Math.round(seconds / 3600)
  return wholeHours < 48 ? plural(wholeHours, 'hour') : plural(Math.round(wholeHours / 24), 'day')
}

const twoDigits = (value: number): string => String(value).padStart(2, '0')
