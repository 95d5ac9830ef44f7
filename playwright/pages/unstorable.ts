/** What strict JSON cannot carry, and where in the value `valued` hides it. */
export const UNSTORABLE = {
  Date: '$.when[0]',
  Map: '$.map',
  Set: '$.set',
  bigint: '$.big',
  function: '$.call',
  symbol: '$.symbol',
  instance: '$.point',
  NaN: '$.number',
  Infinity: '$.number',
  cycle: '$.cycle.self',
  hole: '$.list[1]',
} as const
