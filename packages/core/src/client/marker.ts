/**
 * The mark of a database that was opened in this browser. It stands outside of OPFS, so it outlives a database that the
 * browser deletes to make room; what deletes all data of the site deletes it too. Where scripts may not use
 * `localStorage` there is none, and an eviction goes unnoticed.
 */
const keyOf = (database: string): string => `stepwell:${database}:opened`

export function isMarked(database: string): boolean {
  try {
    return localStorage.getItem(keyOf(database)) !== null
  } catch {
    return false
  }
}

export function mark(database: string): void {
  try {
    localStorage.setItem(keyOf(database), '1')
  } catch {
    // Not allowed, or no room for it.
  }
}
