// What happened in the browser, counted outside of it: neither a crash nor the database under test can change it.
// @ts-check

/**
 * @typedef {object} Arrival
 * @property {string} key
 * @property {number} at milliseconds of `performance.now()` in this process
 */

export function createWitness() {
  /** @type {Arrival[]} */
  const arrivals = []
  /** @type {Map<string, number>} */
  const counts = new Map()
  /** @type {Set<() => void>} */
  const waiting = new Set()

  /** @param {string} prefix */
  const under = (prefix) => arrivals.filter(({ key }) => key.startsWith(prefix))

  return {
    /**
     * @param {string} key
     * @returns {number} how often it has come, this time included
     */
    add(key) {
      const count = (counts.get(key) ?? 0) + 1
      counts.set(key, count)
      arrivals.push({ key, at: performance.now() })
      for (const check of [...waiting]) check()
      return count
    },
    /** @param {string} key */
    count: (key) => counts.get(key) ?? 0,
    /**
     * In the order in which they came.
     * @param {string} prefix
     */
    arrivals: under,
    /**
     * @param {string} prefix
     * @returns {Record<string, number>}
     */
    counts: (prefix) => Object.fromEntries([...counts].filter(([key]) => key.startsWith(prefix))),
    /**
     * Resolves once `count` arrivals under the prefix were seen since the beginning.
     * @param {string} prefix
     * @param {number} [count]
     * @returns {Promise<void>}
     */
    reached(prefix, count = 1) {
      return new Promise((resolve) => {
        const check = () => {
          if (under(prefix).length < count) return
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
        check()
      })
    },
  }
}
