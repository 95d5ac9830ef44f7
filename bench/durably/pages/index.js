// What the driver calls of durably: the counterpart of bench/pages/stepwell.

import { navigatedAt } from '../../pages/clock.ts'
import { completed, instanceOf, polling } from './instances.js'
import { started } from './jobs.js'
import { react } from './react.js'
import { storing } from './storing.js'

export const answerer = () =>
  new Worker(new URL('./commit-worker.js', import.meta.url), { type: 'module' })

const wallNow = () => performance.timeOrigin + performance.now()
const passes = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** When the first step of `slow` starts here from now on, by the clock of all processes; from the given one on. */
function nextStart(from = 0) {
  return new Promise((resolve) => {
    const onStep = ({ detail: { index, at } }) => {
      if (index < from) return
      started.removeEventListener('step', onStep)
      resolve(at)
    }
    started.addEventListener('step', onStep)
  })
}

/** Where a page keeps the run over its reload. */
const INTERRUPTED = 'interrupted'

export const calls = {
  ...storing,
  ...react,
  /** Steps per second of so many runs at once. */
  steps: (place, runs, count) =>
    polling(place, async (instance) => {
      const done = completed(instance, runs)
      const start = performance.now()
      const { steps } = instance.durably.jobs
      await Promise.all(Array.from({ length: runs }, () => steps.trigger({ count })))
      await done
      return (runs * count) / ((performance.now() - start) / 1_000)
    }),
  /** Runs of one step per second, triggered one by one without waiting, or all at once. */
  runs: (place, how, count) =>
    polling(place, async (instance) => {
      const done = completed(instance, count)
      const start = performance.now()
      const { one } = instance.durably.jobs
      const inputs = Array.from({ length: count }, () => ({}))
      if (how === 'batch') await one.batchTrigger(inputs)
      else await Promise.all(inputs.map((input) => one.trigger(input)))
      await done
      return count / ((performance.now() - start) / 1_000)
    }),
  /** Milliseconds from `trigger()` to the first step's function and to the run's output, at a random time between polls. */
  firstStep: (place) =>
    polling(place, async ({ durably, pollingMs }) => {
      await passes(pollingMs * (1 + Math.random()))
      const triggeredAt = wallNow()
      const { output } = await durably.jobs.firstStep.triggerAndWait({})
      return [output.at - triggeredAt, wallNow() - triggeredAt]
    }),
  /** Lines per second until they are stored, and how many of them are. */
  logLines: (place, lines) =>
    polling(place, async ({ durably, stored }) => {
      const wanted = stored.lines + lines
      const all = new Promise((resolve) => {
        stored.onLine = (count) => count >= wanted && resolve()
      })
      const start = performance.now()
      const { id } = await durably.jobs.chatter.triggerAndWait({ lines })
      await all
      const seconds = (performance.now() - start) / 1_000
      return [lines / seconds, (await durably.storage.getLogs(id)).length]
    }),
  /** Milliseconds of a run whose input is its step's result and its output. */
  payload: (place, bytes) =>
    polling(place, async ({ durably, pollingMs }) => {
      await passes(pollingMs * (1 + Math.random()))
      const start = performance.now()
      const { output } = await durably.jobs.echo.triggerAndWait({ text: 'x'.repeat(bytes) })
      if (output.text.length !== bytes) throw new Error('the output is not the input')
      return performance.now() - start
    }),
  /** Milliseconds from this page's navigation to an instance that answers and polls. */
  async ready(place) {
    const { durably } = instanceOf(place)
    await durably.init()
    await durably.getRuns({ limit: 1 })
    return performance.now()
  },
  /** Starts a run of 20 ms steps; resolves when it is in the midst of them. */
  async interrupt(place, count, reached) {
    const { durably } = instanceOf(place)
    await durably.init()
    const midst = nextStart(reached)
    const { id } = await durably.jobs.slow.trigger({ count })
    await midst
    sessionStorage.setItem(INTERRUPTED, id)
    return id
  },
  /** When the first step starts here, by the clock of all processes. */
  async firstHere(place) {
    await instanceOf(place).durably.init()
    return nextStart()
  },
  /** Milliseconds from this page's navigation to the first step that started in it; `null` where no run was interrupted. */
  async resumed(place) {
    if (sessionStorage.getItem(INTERRUPTED) === null) return null
    const at = await calls.firstHere(place)
    return at - navigatedAt
  },
  /** Ends a run, and tells how it stood. */
  async cancel(place, id) {
    const { durably } = instanceOf(place)
    const { status, error } = (await durably.getRun(id)) ?? {}
    if (status === 'leased' || status === 'pending') await durably.cancel(id)
    return { status, error }
  },
}
