/**
 * Milliseconds since the Unix epoch, with fractions, by the machine's clock: comparable between all processes and the
 * driver. `performance.timeOrigin` is each process's own guess of it.
 */
const origin = (() => {
  const first = Date.now()
  let now = first
  while (now === first) now = Date.now()
  return now - performance.now()
})()

export const sharedNow = (): number => origin + performance.now()

/** The same clock, when this page's navigation began. */
export const navigatedAt = origin
