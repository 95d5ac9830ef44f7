/** Elements of index.html, and figures for people. */

/** The element of that type: TypeScript knows it, and a page without it says what is missing. */
export function find<T extends Element>(root: ParentNode, selector: string, type: new () => T): T {
  const element = root.querySelector(selector)
  if (element instanceof type) return element
  throw new Error(`index.html has no ${type.name} at ${selector}.`)
}

export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB']
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3))
  const value = count / 1000 ** power
  return `${value < 10 && power > 1 ? value.toFixed(1) : Math.round(value)} ${units[power]}`
}

export const photos = (count: number) => (count === 1 ? '1 photo' : `${count} photos`)
