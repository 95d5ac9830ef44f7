/** The clients of a page: one for each database that is asked for. None connects before something is asked of it. */
import { createStepwell } from '@stepwell/core'
import { jobs } from './jobs.js'

export interface Place {
  readonly database: string
  readonly durability?: 'strict' | 'relaxed'
  /** How many runs at once. A database has one such number. */
  readonly concurrency?: number
}

export type Client = ReturnType<typeof make>

export const worker = () => new Worker(new URL('./jobs.ts', import.meta.url), { type: 'module' })

const clients = new Map<string, Client>()

function make({ database, durability = 'strict', concurrency = 16 }: Place) {
  return createStepwell({
    jobs,
    worker,
    database: `bench-${database}`,
    durability,
    concurrency,
  })
}

export function clientOf(place: Place): Client {
  const known = clients.get(place.database)
  if (known !== undefined) return known
  const client = make(place)
  clients.set(place.database, client)
  return client
}

/** Resolves when so many events of that type were told. */
export function counted(
  client: Client,
  type: 'run:wait' | 'run:complete',
  count: number,
): Promise<void> {
  return new Promise((resolve) => {
    let seen = 0
    const off = client.on(type, () => {
      seen += 1
      if (seen < count) return
      off()
      resolve()
    })
  })
}
