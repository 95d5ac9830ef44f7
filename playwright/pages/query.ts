/** Options of the client from the page's address. */
const query = new URLSearchParams(location.search)

export function flag(name: string): boolean {
  return query.get(name) === '1'
}

export function text(name: string): string | null {
  return query.get(name)
}

export function clientOptions(worker: () => Worker) {
  const database = query.get('db') ?? 'test'
  const context = CONTEXTS[query.get('stepContext') ?? '']
  return {
    database,
    durability: query.get('durability') === 'relaxed' ? 'relaxed' : 'strict',
    storage: query.get('storage') === 'memory' ? 'memory' : 'opfs',
    concurrency: Number(query.get('concurrency') ?? 1),
    executors: Number(query.get('executors') ?? 1),
    standby: flag('standby'),
    limits: {
      ...numberOption('payloadBytes'),
      ...numberOption('logLines'),
    },
    ...retentionOption(query.get('retention')),
    ...(context === undefined ? {} : { context: () => context(database) }),
    ...(query.get('executor') === 'page' ? {} : { worker: counted(worker) }),
  } as const
}

/** `false`, or milliseconds. */
function retentionOption(value: string | null) {
  if (value === null) return {}
  return { retention: value === 'false' ? (false as const) : Number(value) }
}

function numberOption(name: string): Readonly<Record<string, number>> {
  const value = query.get(name)
  return value === null ? {} : { [name]: Number(value) }
}

const CONTEXTS: Readonly<Record<string, (database: string) => unknown>> = {
  stored: async (database) => {
    const token = localStorage.getItem(database)
    if (token === null) throw new TypeError('nobody is signed in')
    return { token }
  },
  uncloneable: () => ({ token: () => 'secret' }),
}

/** Makes no more workers than the test allows. */
function counted(worker: () => Worker): () => Worker {
  window.spawnsMax = Number(query.get('spawnsMax') ?? Number.POSITIVE_INFINITY)
  let spawns = 0
  return () => {
    if (spawns >= window.spawnsMax) throw new RangeError('no more workers')
    spawns += 1
    return worker()
  }
}
