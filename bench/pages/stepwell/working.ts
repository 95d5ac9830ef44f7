/** The cases of runs that work: how many steps, how many runs, how soon. */
import { engineCounters } from '@stepwell/core/testing'
import { clientOf, counted, type Place } from './clients.js'
import { chatter, echo, firstStep, one, steps, wallNow } from './jobs.js'

/** The most that one answer has. */
const LOGS_MAX = 10_000

export const working = {
  /** Steps per second of so many runs at once, and steps per commit. */
  async steps(place: Place, runs: number, count: number): Promise<[number, number]> {
    const client = clientOf(place)
    const before = await engineCounters(client)
    const start = performance.now()
    const all = Array.from({ length: runs }, () => client.triggerAndWait(steps, { count }))
    await Promise.all(all)
    const seconds = (performance.now() - start) / 1_000
    const after = await engineCounters(client)
    const perCommit = (after.steps - before.steps) / (after.commits - before.commits)
    return [(runs * count) / seconds, perCommit]
  },
  /** Runs of one step per second, triggered one by one without waiting, or all at once. */
  async runs(place: Place, how: 'trigger' | 'batch', count: number): Promise<number> {
    const client = clientOf(place)
    const done = counted(client, 'run:complete', count)
    const start = performance.now()
    const items = Array.from({ length: count }, () => ({ input: undefined }))
    if (how === 'batch') await client.batchTrigger(one, items)
    else await Promise.all(items.map(() => client.trigger(one)))
    await done
    return count / ((performance.now() - start) / 1_000)
  },
  /** Milliseconds from `trigger()` to the first step's function and to the run's output, when idle. */
  async firstStep(place: Place): Promise<[number, number]> {
    const client = clientOf(place)
    const triggeredAt = wallNow()
    const { output } = await client.triggerAndWait(firstStep)
    return [output - triggeredAt, wallNow() - triggeredAt]
  },
  /** Lines per second from the trigger until a run with so many lines in one step has ended, and how many of them are stored. */
  async logLines(place: Place, lines: number): Promise<[number, number]> {
    const client = clientOf(place)
    const start = performance.now()
    const { id } = await client.triggerAndWait(chatter, { lines })
    const seconds = (performance.now() - start) / 1_000
    const { logs } = await client.getLogs(id, { limit: LOGS_MAX })
    return [lines / seconds, logs.length]
  },
  /** Milliseconds of a run whose input is its step's result and its output. */
  async payload(place: Place, bytes: number): Promise<number> {
    const client = clientOf(place)
    const text = 'x'.repeat(bytes)
    const start = performance.now()
    const { output } = await client.triggerAndWait(echo, { text })
    if (output.text.length !== bytes) throw new Error('the output is not the input')
    return performance.now() - start
  },
}
