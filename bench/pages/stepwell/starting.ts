/** The cases of starts: of a page, of a run that a reload interrupted. */
import { navigatedAt } from '../clock.js'
import { clientOf, type Place } from './clients.js'
import { beat, isBeat } from './jobs.js'

/** Where a page keeps the run over its reload. */
const INTERRUPTED = 'interrupted'

export const starting = {
  /** Milliseconds from this page's navigation to an engine that answers. */
  async ready(place: Place): Promise<number> {
    await clientOf(place).getRuns({ limit: 1 })
    return performance.now()
  },
  /** Starts a run of 20 ms steps; resolves when it is in the midst of them. */
  async interrupt(place: Place, count: number, reached: number): Promise<void> {
    const client = clientOf(place)
    let runId = ''
    const midst = new Promise<void>((resolve) => {
      const off = client.on('step:complete', (event) => {
        if (event.runId !== runId || event.completedIndex < reached - 1) return
        off()
        resolve()
      })
    })
    runId = (await client.trigger(beat, { count })).id
    await midst
    sessionStorage.setItem(INTERRUPTED, runId)
  },
  /** Milliseconds from this page's navigation to the first step that started in it; `null` where no run was interrupted. */
  async resumed(place: Place): Promise<number | null> {
    const id = sessionStorage.getItem(INTERRUPTED)
    if (id === null) return null
    const client = clientOf(place)
    await client.waitForRun(id)
    const stored = await client.getSteps(id, { outputs: true })
    const beats = stored.map(({ output }) => output).filter(isBeat)
    // The page that is left goes on until the next one has come.
    const mine = beats.at(-1)?.executor
    const starts = beats.filter(({ executor }) => executor === mine).map(({ at }) => at)
    return Math.min(...starts) - navigatedAt
  },
}
