// The cases of runs that wait: what they cost while they do, and how soon they go on.
import { added, renderers, workerThreads } from './cpu.mjs'
import { median, percentile } from './statistics.mjs'

const CHILDREN = 1_000
const SLEEPS = 200
const SIGNALS = 40
const STARTS = 9
/** What an engine does after a start (upkeep, a first checkpoint) is not what it does when it is idle. */
const SETTLE_MS = 20_000

/** @param {{ rounds: number, asleep: number, idleSeconds: number }} options */
export async function measureWaiting(context, origin, { rounds, asleep, idleSeconds }) {
  const samples = { strict: [], relaxed: [], late: [], signals: [] }
  const page = await context.newPage()
  await page.goto(origin)
  for (let round = -1; round < rounds; round++) {
    for (const durability of ['strict', 'relaxed']) {
      const args = [durability, CHILDREN]
      const ms = await page.evaluate((args) => window.bench.family(...args), args)
      if (round >= 0) samples[durability].push(ms)
    }
    const late = await page.evaluate((count) => window.bench.lateness(count), SLEEPS)
    if (round >= 0) samples.late.push(...late)
    for (let n = 0; n < SIGNALS; n++) {
      const ms = await page.evaluate(() => window.bench.answered())
      if (round >= 0) samples.signals.push(ms)
    }
  }
  console.log(`sending ${asleep} runs to sleep …`)
  await page.evaluate((count) => window.bench.fallAsleep(count), asleep)
  await page.close()
  samples.starts = await starts(context, origin)
  samples.idle = {}
  for (const which of ['empty', 'asleep']) {
    console.log(`idle for ${idleSeconds} s, ${which} …`)
    samples.idle[which] = await idle(context, origin, which, idleSeconds)
  }
  return samples
}

/** Page load → ready, of a database that is empty and of one with runs that sleep, in turns. */
async function starts(context, origin) {
  const samples = { empty: [], asleep: [] }
  for (let n = -1; n < STARTS; n++) {
    for (const which of ['empty', 'asleep']) {
      const page = await context.newPage()
      await page.goto(origin)
      const ms = await page.evaluate((which) => window.bench.readyAfter(which), which)
      if (n >= 0) samples[which].push(ms)
      await page.close()
    }
  }
  return samples
}

/** What the workers of a page cost that does nothing: milliseconds of CPU a minute of each, and batches a minute. */
async function idle(context, origin, which, seconds) {
  const page = await context.newPage()
  await page.goto(origin)
  await page.evaluate((which) => window.bench.readyAfter(which), which)
  const batches = () => page.evaluate((which) => window.bench.batches(which), which)
  const first = await batches()
  await passes(SETTLE_MS)
  const before = await batches()
  // What a question costs by itself: it is a batch, and another one looks after the database when it is quiet again.
  const asking = before - first
  await passes(SETTLE_MS)
  const processes = await renderers(context)
  const cpuBefore = workerThreads(processes)
  await passes(seconds * 1_000)
  const cpuAfter = workerThreads(processes)
  const handled = (await batches()) - before - asking
  await page.close()
  const perMinute = 60 / seconds
  const cpu = added(cpuBefore, cpuAfter).map((ms) => ms * perMinute)
  return { cpu: cpu.sort((a, b) => b - a), batches: Math.max(0, handled) * perMinute }
}

function passes(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** @param row prints a line: label, values, unit, note. */
export function reportWaiting(samples, asleep, row) {
  const [wakes, functions] = [0, 1].map((i) => samples.late.map((sample) => sample[i]))
  const tail = (values) => `p99 ${percentile(values, 0.99).toFixed(1)} ms`
  const ratio = `relaxed ${(median(samples.strict) / median(samples.relaxed)).toFixed(2)} × as fast`
  row(`parent of ${CHILDREN} children, 16 at once, strict`, samples.strict, 'ms')
  row(`parent of ${CHILDREN} children, 16 at once, relaxed`, samples.relaxed, 'ms', ratio)
  row('sleep: its time → the engine ends it', wakes, 'ms', tail(wakes))
  row('sleep: its time → the function goes on', functions, 'ms', tail(functions))
  row('signal → next step, idle, strict', samples.signals, 'ms', tail(samples.signals))
  const more = median(samples.starts.asleep) - median(samples.starts.empty)
  row('page load → ready, empty', samples.starts.empty, 'ms')
  row(
    `page load → ready, ${asleep} asleep`,
    samples.starts.asleep,
    'ms',
    `${more.toFixed(0)} ms more than empty`,
  )
  for (const which of ['empty', 'asleep']) {
    const { cpu, batches } = samples.idle[which]
    const label = which === 'empty' ? 'empty' : `${asleep} asleep`
    row(`idle CPU a minute, each worker, ${label}`, cpu, 'ms', `${batches.toFixed(0)} batches`)
  }
}
