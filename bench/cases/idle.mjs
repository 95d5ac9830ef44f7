// What it costs to do nothing, and what is kept in memory.
import { added, mainThreads, renderers, workerThreads } from '../cpu.mjs'
import { passes } from '../lab.mjs'
import { atMost, pick, row } from '../rows.mjs'
import { memoryOfDatabaseWorker, watchWorkers } from '../workers.mjs'
import { ASLEEP, asleepPlace } from './fixtures.mjs'

/** What an engine does after a start (upkeep, a first checkpoint) is not what it does when it is idle. */
const SETTLE_MS = 20_000
const MEASURE_MS = 30_000
/** Who polls is soon as busy as it stays. */
const POLLING_MS = 10_000
const RUNS = 10_000
const DURABLY_RUNS = 16
const RUNS_BATCH = 500
const ONCE = { rounds: 1, unmeasured: 0 }

/** Milliseconds of CPU a minute: of the workers of a page, and of the main threads of all pages. */
function idle(lab, { settleMs, measureMs }, start) {
  return lab.inPage(async ({ started }) => {
    await started()
    await passes(lab.size(settleMs, 2_000))
    const ms = lab.size(measureMs, 2_000)
    const processes = await renderers(lab.context)
    const workers = () => (start === undefined ? new Map() : workerThreads(processes))
    const before = [workers(), mainThreads(processes)]
    await passes(ms)
    const after = [workers(), mainThreads(processes)]
    return before.map((times, i) => (sum(added(times, after[i])) * 60_000) / ms)
  }, start)
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0)
}

async function idleCpu(lab) {
  const { database } = await asleepPlace(lab)
  const quiet = { settleMs: SETTLE_MS, measureMs: MEASURE_MS }
  const polling = { settleMs: POLLING_MS, measureMs: POLLING_MS }
  const slow = { database: 'idle-default', defaults: true }
  const taken = await lab.interleave(
    {
      blank: () => idle(lab, polling),
      stepwell: () => idle(lab, quiet, ['stepwell', 'ready', { database }]),
      durably: () => idle(lab, polling, ['durably', 'ready', { database: 'idle' }]),
      durablySlow: () => idle(lab, polling, ['durably', 'ready', slow]),
    },
    ONCE,
  )
  const of = (name, index) => pick(taken[name], (all) => all[index])
  const lines = [
    ['workers', 0],
    ['main threads', 1],
  ]
  return lines.flatMap(([label, index]) => {
    const stepwell = of('stepwell', index)
    const [ms = Number.NaN] = stepwell.samples
    return [
      row(label, 'ms/min', {
        stepwell,
        durably: of('durably', index),
        floor: index === 0 ? null : { name: 'a blank page', taken: of('blank', index) },
        budgets: index === 0 ? [atMost(1, ms, 'ms a minute')] : [],
      }),
      row(`${label}, durably’s defaults`, 'ms/min', {
        stepwell,
        durably: of('durablySlow', index),
      }),
    ]
  })
}

async function memory(lab) {
  const runs = lab.size(RUNS, 500)
  const place = { database: 'memory', concurrency: 16 }
  const taken = await lab.interleave(
    {
      stepwell: () =>
        lab.inPage(async ({ page, call }) => {
          const workers = await watchWorkers(lab, page)
          for (let made = 0; made < runs; made += RUNS_BATCH) {
            await call('stepwell', 'runs', place, 'batch', Math.min(RUNS_BATCH, runs - made))
          }
          return memoryOfDatabaseWorker(workers)
        }),
      durably: () =>
        lab.inPage(async ({ page, call }) => {
          const workers = await watchWorkers(lab, page)
          await call('durably', 'fill', place, runs)
          await call('durably', 'runs', place, 'batch', DURABLY_RUNS)
          return memoryOfDatabaseWorker(workers)
        }),
    },
    ONCE,
  )
  return ['WebAssembly memory', 'JavaScript heap'].map((label, index) =>
    row(label, 'MB', {
      stepwell: pick(taken.stepwell, (all) => all[index]),
      durably: pick(taken.durably, (all) => all[index]),
    }),
  )
}

export const cases = [
  {
    id: 'idle',
    group: 'waiting',
    title: 'CPU time of a page that does nothing',
    about:
      `Milliseconds a minute: Stepwell with ${ASLEEP.toLocaleString('en')} runs asleep, for ${MEASURE_MS / 1_000} s from ` +
      `${SETTLE_MS / 1_000} s after the start on; durably with no run at all, for ${POLLING_MS / 1_000} s. One sample each. ` +
      '*Main threads*: of all pages of the browser.',
    take: idleCpu,
  },
  {
    id: 'memory',
    title: 'Memory of the worker that has the database',
    about:
      `After ${RUNS.toLocaleString('en')} runs of one step, by the browser’s debugger, one sample each. durably: as many runs put ` +
      `into its tables by SQL, and ${DURABLY_RUNS} that it ran; its engine itself is in the page, which is not counted.`,
    take: memory,
  },
]
