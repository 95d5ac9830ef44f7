/** A list of runs on a scripted engine. */
import { observeRuns } from '../src/index.js'
import type { RunsView } from '../src/observers/types.js'
import { type scriptedClient, settled } from './scripted-client.js'

/** The list, subscribed to, with its first page; each view that it told, in order. */
export async function listOf(
  engine: ReturnType<typeof scriptedClient>,
  filter: Parameters<typeof observeRuns>[1] = {},
) {
  const observer = observeRuns(engine.client, filter)
  const views: RunsView[] = []
  const off = observer.subscribe(() => views.push(observer.get()))
  await settled()
  const ids = () => observer.get().runs.map(({ id }) => Number(id.slice(4)))
  const shown = () =>
    observer.get().runs.map(({ id, status }) => `${Number(id.slice(4))} ${status}`)
  engine.counts()
  return { observer, views, off, ids, shown }
}
