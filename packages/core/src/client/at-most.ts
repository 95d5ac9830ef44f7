/** Work that may be asked for by the thousand, and of which only so much is open at once. */

/** @returns does what it is given at once while fewer than `count` are under way, and in order else. */
export function atMost(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  let open = 0
  const waiting: (() => void)[] = []
  const begin = <T>(work: () => Promise<T>): Promise<T> => {
    open += 1
    return work().finally(() => {
      open -= 1
      waiting.shift()?.()
    })
  }
  return (work) => {
    if (open < count) return begin(work)
    return new Promise((resolve, reject) => {
      waiting.push(() => begin(work).then(resolve, reject))
    })
  }
}
