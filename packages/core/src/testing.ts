/** `@stepwell/core/testing`: makes things go wrong on purpose, and reads what the engine counts. */
import type { Stepwell } from './client/types.js'
import type { Counters } from './generated/protocol.js'

export type { Counters } from './generated/protocol.js'

type Client = Pick<Stepwell, '~core'>

/** `'panic'`: inside the engine; `'terminate'`: its worker ends at once. Either way it is started again. */
export function crashEngine(client: Client, how: 'panic' | 'terminate'): void {
  void crash(client, how)
}

/**
 * Ends an executor in the midst of whatever it does, as a crash would; another one is started in its place.
 *
 * @param index which one, from 0, where there are several.
 */
export function terminateExecutor(client: Client, index = 0): void {
  void crash(client, index)
}

function crash(client: Client, what: 'panic' | 'terminate' | number): Promise<void> {
  return client['~core'].call(async ({ connection }) => connection.crash(what))
}

/** What the engine counted since it started. */
export async function engineCounters(client: Client): Promise<Counters> {
  const { status } = await client['~core'].call(({ connection }) =>
    connection.request({ type: 'getStatus' }),
  )
  return status.counters
}
