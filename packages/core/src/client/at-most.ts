/** Work that may be asked for by the thousand, and of which only so much is open at once. */

/** @returns runs what it is given, in order, as soon as fewer than `count` are under way. */
export function atMost(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  let open = 0
  const waiting: (() => void)[] = []
  const enter = () =>
    new Promise<void>((resolve) => {
      if (open < count) {
        open += 1
        resolve()
      } else {
        waiting.push(resolve)
      }
    })
  const leave = () => {
    const next = waiting.shift()
    if (next === undefined) open -= 1
    else next()
  }
  return async (work) => {
    await enter()
    try {
      return await work()
    } finally {
      leave()
    }
  }
}
