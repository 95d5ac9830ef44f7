/** Options of the client from the page's address. */
const query = new URLSearchParams(location.search)

export function flag(name: string): boolean {
  return query.get(name) === '1'
}

export function text(name: string): string | null {
  return query.get(name)
}

export function clientOptions(worker: () => Worker) {
  return {
    database: query.get('db') ?? 'test',
    durability: query.get('durability') === 'relaxed' ? 'relaxed' : 'strict',
    storage: query.get('storage') === 'memory' ? 'memory' : 'opfs',
    concurrency: Number(query.get('concurrency') ?? 1),
    ...(query.get('executor') === 'page' ? {} : { worker }),
  } as const
}
