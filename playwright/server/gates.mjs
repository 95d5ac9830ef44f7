// Requests that hang until a test lets them through, so that tests wait for conditions and never for time.
// @ts-check

export function createGates() {
  /** @type {Map<string, Gate>} */
  const gates = new Map()
  /** @param {string} name */
  const gate = (name) => {
    const known = gates.get(name)
    if (known !== undefined) return known
    const made = createGate()
    gates.set(name, made)
    return made
  }
  return {
    gate,
    /** Nothing may hang on after the server's end. */
    openAll() {
      for (const each of gates.values()) each.open()
    },
  }
}

/** @typedef {ReturnType<typeof createGate>} Gate */

function createGate() {
  let isOpen = false
  let arrived = 0
  /** @type {Set<() => void>} */
  const held = new Set()
  /** @type {Set<() => void>} */
  const watchers = new Set()
  return {
    /** @param {() => void} pass */
    arrive(pass) {
      arrived += 1
      for (const check of [...watchers]) check()
      if (isOpen) pass()
      else held.add(pass)
      return () => void held.delete(pass)
    },
    /** Lets everybody through, now and later. */
    open() {
      isOpen = true
      for (const pass of [...held]) pass()
      held.clear()
    },
    arrivals: () => arrived,
    /**
     * Resolves when `count` requests have come to the gate, since the beginning.
     * @param {number} [count]
     * @returns {Promise<void>}
     */
    reached(count = 1) {
      return new Promise((resolve) => {
        const check = () => {
          if (arrived < count) return
          watchers.delete(check)
          resolve()
        }
        watchers.add(check)
        check()
      })
    },
  }
}
