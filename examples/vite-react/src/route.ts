/**
 * Which view the address names: `#/` the story, `#/waiting` the job that waits, `#/runs?status=failed&source=csv` the run table as it is filtered, and
 * `#/runs/<id>` one run. So each view can be linked, reloaded and gone back to.
 */
import { useMemo, useSyncExternalStore } from 'react'

export type Route =
  | { readonly page: 'story' }
  | { readonly page: 'waiting' }
  | { readonly page: 'runs'; readonly words: Words }
  | { readonly page: 'run'; readonly runId: string }

/** What the run table is filtered by, as it stands in the address. */
export type Words = Readonly<Record<string, string>>

export function useRoute(): Route {
  const hash = useSyncExternalStore(onHash, () => location.hash)
  return useMemo(() => routeOf(hash), [hash])
}

function onHash(listener: () => void): () => void {
  addEventListener('hashchange', listener)
  return () => removeEventListener('hashchange', listener)
}

function routeOf(hash: string): Route {
  const [path = '', query] = hash.slice(1).split('?')
  const [, page, runId] = path.split('/')
  if (page === 'waiting') return { page: 'waiting' }
  if (page !== 'runs') return { page: 'story' }
  if (runId) return { page: 'run', runId }
  return { page: 'runs', words: Object.fromEntries(new URLSearchParams(query)) }
}

export const runHref = (runId: string): string => `#/runs/${runId}`

/** An empty word does not restrict. */
export function runsHref(words: Words): string {
  const query = new URLSearchParams(Object.entries(words).filter(([, word]) => word !== ''))
  return query.size === 0 ? '#/runs' : `#/runs?${query}`
}
