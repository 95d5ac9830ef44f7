/** A small seeded generator (mulberry32): the seed of a failed run replays its moments. */
export interface Random {
  readonly seed: number
  /** From 0 to `below`, without it. */
  integer(below: number): number
}

export function random(seed: number): Random {
  let state = seed >>> 0
  return {
    seed,
    integer(below) {
      state = (state + 0x6d2b79f5) >>> 0
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
      return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
    },
  }
}

/** `STEPWELL_SEED`, or one from the time. */
export function seedOfTheDay(): number {
  return Number(process.env['STEPWELL_SEED'] ?? Date.now() % 2 ** 31)
}
