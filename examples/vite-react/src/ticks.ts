/** Where a reader expects the marks of an axis: on multiples of 1, 2 or 5 times a power of ten. */
export function roundTicks([from, to]: readonly [number, number], countMax: number): number[] {
  const least = Math.max(to - from, 1) / countMax
  const power = 10 ** Math.floor(Math.log10(least))
  const step = power * ([1, 2, 5, 10].find((factor) => power * factor >= least) ?? 10)
  const first = Math.ceil(from / step)
  const last = Math.floor(to / step)
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step)
}
