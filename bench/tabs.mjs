// The cases of several tabs: how soon another one takes over, and what followers cost.
import { added, mainThreads, renderers, workerThreads } from './cpu.mjs'
import { median, percentile } from './statistics.mjs'

const TAKE_OVERS = 4
const FIRST_STEPS = 40
const RUN_STEPS = 500
const FOLLOWERS = [0, 1, 7]
const LOG_LINES = 10_000
const BEATS = 1_000
const TABS_IDLE = 3
/** What engine and browser do after a start (upkeep, compiling, collecting) is not what they do when they are idle. */
const SETTLE_MS = 60_000

/** How a tab stops leading. */
const WAYS = {
  closed: (page) => page.close(),
  async crashed(page) {
    const session = await page.context().newCDPSession(page)
    // It is never answered.
    session.send('Page.crash').catch(() => undefined)
    await page.waitForEvent('crash')
  },
  left: (page) => page.goto(new URL('/plain', page.url()).href),
}
/** In their order. */
const MARKS = [
  'seat',
  'engine spawned',
  'engine script',
  'wasm',
  'engine lock',
  'first file',
  'opened',
  'executor ready',
]

/** @param {{ rounds: number, idleSeconds: number }} options */
export async function measureTabs(context, origin, { rounds, idleSeconds }) {
  const url = (query) => `${origin}/tabs.html?${query}`
  const samples = { takeOvers: {}, first: { leader: [], follower: [] } }
  for (const kind of ['cold', 'standby']) {
    const address = url(`database=bench-${kind}&${kind}`)
    for (const way of Object.keys(WAYS)) {
      console.log(`the leader is ${way}, ${kind} …`)
      samples.takeOvers[`${way}, ${kind}`] = await takeOvers(context, address, way, {
        count: rounds * TAKE_OVERS,
        isStandby: kind === 'standby',
      })
    }
  }
  console.log('triggers from a follower …')
  await firstSteps(context, url('database=bench-first'), rounds * FIRST_STEPS, samples.first)
  console.log('steps beside followers …')
  samples.beside = await besideFollowers(context, url('database=bench-beside'), rounds)
  console.log(`three tabs idle for ${idleSeconds} s …`)
  samples.idle = await idle(context, url('database=bench-idle'), idleSeconds)
  return samples
}

async function tab(context, address, isConnected = true) {
  const page = await context.newPage()
  await page.goto(address)
  if (isConnected) await page.evaluate(() => window.tab.connect())
  return page
}

/** Each time the leader is another tab, with a new follower that has just come up. */
async function takeOvers(context, address, way, { count, isStandby }) {
  const samples = []
  let leader = await tab(context, address)
  // The first one is not measured.
  for (let n = -1; n < count; n++) {
    const follower = await tab(context, address)
    const run = await follower.evaluate((count) => window.tab.startBeat(count), BEATS)
    await follower.evaluate((run) => window.tab.reached(run, 5), run)
    if (isStandby) await follower.waitForFunction(() => 'wasm' in window.tab.marks)
    const first = follower.evaluate((run) => window.tab.firstHere(run), run)
    const endedAt = Date.now()
    await WAYS[way](leader)
    const { at, marks } = await first
    if (n >= 0) samples.push({ ms: at - endedAt, marks: since(endedAt, { ...marks, step: at }) })
    await follower.evaluate((run) => window.tab.cancel(run), run)
    if (!leader.isClosed()) await leader.close()
    leader = follower
  }
  await leader.close()
  return samples
}

function since(start, times) {
  return Object.fromEntries(Object.entries(times).map(([name, at]) => [name, at - start]))
}

async function firstSteps(context, address, count, samples) {
  const pages = { leader: await tab(context, address), follower: await tab(context, address) }
  for (let n = -5; n < count; n++) {
    for (const [role, page] of Object.entries(pages)) {
      const ms = await page.evaluate(() => window.tab.firstStep())
      if (n >= 0) samples[role].push(ms)
    }
  }
  for (const page of Object.values(pages)) await page.close()
}

/** In each round once with each number of followers. */
async function besideFollowers(context, address, rounds) {
  const samples = { steps: new Map(FOLLOWERS.map((count) => [count, []])), log: [], handler: [] }
  const leader = await tab(context, address)
  await leader.evaluate((count) => window.tab.steps(count), RUN_STEPS)
  for (let round = 0; round < rounds; round++) {
    for (const count of FOLLOWERS) {
      const followers = []
      while (followers.length < count) followers.push(await tab(context, address))
      for (const page of followers) await page.evaluate(() => window.tab.listen())
      const rate = await leader.evaluate((count) => window.tab.steps(count), RUN_STEPS)
      samples.steps.get(count)?.push(rate)
      for (const page of followers) {
        const { events } = await page.evaluate(() => window.tab.heard())
        if (events < RUN_STEPS) throw new Error(`a follower heard of ${events} events`)
      }
      if (count === 1) await logLines(leader, followers[0], samples)
      for (const page of followers) await page.close()
    }
  }
  await leader.close()
  return samples
}

/** What a follower's main thread does about log lines that are written elsewhere. */
async function logLines(leader, follower, samples) {
  const session = await follower.context().newCDPSession(follower)
  await session.send('Performance.enable')
  const taskMs = async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    return metrics.find(({ name }) => name === 'TaskDuration').value * 1_000
  }
  const before = await taskMs()
  const heard = follower.evaluate((lines) => window.tab.hears(lines), LOG_LINES)
  await leader.evaluate((lines) => window.tab.chatter(lines), LOG_LINES)
  await heard
  samples.log.push((await taskMs()) - before)
  const { longestMs } = await follower.evaluate(() => window.tab.heard())
  samples.handler.push(longestMs)
  await session.detach()
}

/** Milliseconds of CPU a minute, of each thread: of three tabs, of which one leads, and of as many that never connect. */
async function idle(context, address, seconds) {
  const measured = { workers: [], main: [], unconnected: [] }
  for (const isConnected of [true, false]) {
    const pages = []
    while (pages.length < TABS_IDLE) pages.push(await tab(context, address, isConnected))
    await passes(SETTLE_MS)
    const processes = await renderers(context)
    const before = [isConnected ? workerThreads(processes) : new Map(), mainThreads(processes)]
    await passes(seconds * 1_000)
    const after = [isConnected ? workerThreads(processes) : new Map(), mainThreads(processes)]
    const [workers, main] = before.map((times, i) =>
      added(times, after[i]).map((ms) => (ms * 60) / seconds),
    )
    if (isConnected) Object.assign(measured, { workers, main })
    else measured.unconnected = main
    for (const page of pages) await page.close()
  }
  return measured
}

function passes(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** @param row prints a line: label, values, unit, note. */
export function reportTabs(samples, row) {
  for (const [label, taken] of Object.entries(samples.takeOvers)) {
    const all = taken.map(({ ms }) => ms)
    row(`leader ${label} → next step elsewhere`, all, 'ms', tail(all))
  }
  for (const [role, all] of Object.entries(samples.first)) {
    row(`trigger → first step, idle, ${role}`, all, 'ms', tail(all))
  }
  const { steps, log, handler } = samples.beside
  const alone = median(steps.get(0))
  for (const [count, rates] of steps) {
    const note = count === 0 ? '' : `${(median(rates) / alone).toFixed(2)} × of none`
    row(`steps, one run of ${RUN_STEPS}, ${count} followers`, rates, '/s', note)
  }
  row(`main thread of a follower, ${LOG_LINES} log lines`, log, 'ms')
  row('… its longest handler of a message', handler, 'ms')
  const { workers, main, unconnected } = samples.idle
  row('idle CPU a minute, three tabs, each worker', workers, 'ms')
  row('… each main thread', main, 'ms')
  row('… each main thread, without Stepwell', unconnected, 'ms')
  reportMarks(samples.takeOvers)
}

function reportMarks(takeOvers) {
  console.log('\nOn the way there, milliseconds since the leader’s end, medians (p95)\n')
  const names = [...MARKS, 'step']
  const cells = (values) => values.map((value) => value.padStart(17)).join('')
  console.log(`${''.padEnd(20)}${cells(names)}`)
  for (const [label, taken] of Object.entries(takeOvers)) {
    const values = names.map((name) => {
      const all = taken.map(({ marks }) => marks[name]).filter((at) => at !== undefined)
      if (all.length === 0) return '—'
      return median(all) < 0 ? 'before' : `${median(all).toFixed(0)} (${tail95(all)})`
    })
    console.log(`${label.padEnd(20)}${cells(values)}`)
  }
}

const tail95 = (values) => percentile(values, 0.95).toFixed(0)
const tail = (values) => `p95 ${percentile(values, 0.95).toFixed(1)} ms`
