// Several tabs: how soon another one takes over, triggers from a follower, and what followers cost.
import { passes } from '../lab.mjs'
import { atMost, flat, middle, pick, row } from '../rows.mjs'
import { median, percentile } from '../statistics.mjs'

/** A round has so many. */
const TAKE_OVERS = 3
const FIRST_STEPS = 40
const RUN_STEPS = 500
const FOLLOWERS = [0, 1, 7]
const LOG_LINES = 10_000
const BEATS = 1_000
/** More than it makes until the other tab is there. */
const DURABLY_STEPS = 1_000
/** Five times its lease. Two of its tabs may lock each other out of the database, and then the run fails. */
const DURABLY_START_MS_MAX = 15_000
const DURABLY_TRIES_MAX = 3

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

async function tab(lab, database, isStandby = false) {
  const page = await lab.open()
  await page.call('tab', 'connect', database, isStandby)
  return page
}

/** Each time the leader is another tab, with a new follower that has just come up. */
function takingOver(lab, way, isStandby) {
  const database = `${way}-${isStandby ? 'standby' : 'cold'}`
  let leader
  return {
    async take() {
      leader ??= await tab(lab, database, isStandby)
      const follower = await tab(lab, database, isStandby)
      const run = await follower.call('tab', 'startBeat', BEATS)
      await follower.call('tab', 'reached', run, 5)
      if (isStandby) while (!(await follower.call('tab', 'hasMark', 'wasm'))) await passes(10)
      const first = follower.call('tab', 'firstHere', run)
      const endedAt = Date.now()
      await WAYS[way](leader.page)
      const { at, marks } = await first
      await follower.call('tab', 'cancel', run)
      await closed(leader)
      leader = follower
      return { ms: at - endedAt, marks: since(endedAt, { ...marks, step: at }) }
    },
    close: () => closed(leader),
  }
}

/** The same of durably: the second tab polls, and takes the run when the first one's lease has run out. */
function durablyTakingOver(lab, way) {
  const place = { database: `${way}-tab` }
  const failures = []
  const once = async () => {
    const first = await lab.open()
    const run = await first.call('durably', 'interrupt', place, DURABLY_STEPS, 5)
    const second = await lab.open()
    await second.call('durably', 'ready', place)
    const start = second.call('durably', 'firstHere', place)
    const endedAt = Date.now()
    await WAYS[way](first.page)
    const at = await Promise.race([start, passes(DURABLY_START_MS_MAX).then(() => null)])
    await closed(first)
    const { status, error } = await second.call('durably', 'cancel', place, run)
    await second.close()
    if (at !== null) return at - endedAt
    failures.push(`${status} (${error})`)
    return null
  }
  const take = async () => {
    for (let n = 0; n < DURABLY_TRIES_MAX; n++) {
      const ms = await once()
      if (ms !== null) return ms
    }
    throw new Error(`its run did not go on: ${failures.at(-1)}`)
  }
  return { take, failures }
}

async function closed(tab) {
  if (tab !== undefined && !tab.page.isClosed()) await tab.close()
}

function since(start, times) {
  return Object.fromEntries(Object.entries(times).map(([name, at]) => [name, at - start]))
}

async function takeOvers(lab) {
  const rows = []
  const marks = {}
  for (const way of Object.keys(WAYS)) {
    const cold = takingOver(lab, way, false)
    const standby = takingOver(lab, way, true)
    const several = (take) => async () => {
      const all = []
      for (let n = 0; n < lab.size(TAKE_OVERS, 1); n++) all.push(await take())
      return all
    }
    const takers = { cold: several(cold.take), standby: several(standby.take) }
    // A page that is left and one that is closed are the same to who waits for a lease.
    const theirs = durablyTakingOver(lab, way)
    if (way !== 'left') takers.durably = theirs.take
    const taken = await lab.interleave(takers)
    await cold.close()
    await standby.close()
    const durably = taken.durably ?? ''
    for (const [kind, most] of Object.entries({ cold: 300, standby: 200 })) {
      const all = flat(taken[kind])
      const ms = pick(all, (sample) => sample.ms)
      marks[`${way}, ${kind}`] = all.samples
      const budgets = way === 'left' ? [] : [atMost(most, middle(ms), 'ms')]
      const lost = theirs.failures.length
      const note = lost === 0 ? tail(ms) : `${tail(ms)}; durably’s run was lost ${lost} times more`
      rows.push(row(`${way}, ${kind}`, 'ms', { stepwell: ms, durably, budgets, note }))
    }
  }
  printMarks(marks)
  return rows
}

/** Where the time goes; in the terminal only. */
function printMarks(takeOvers) {
  console.log('\nOn the way there, milliseconds since the leader’s end, medians (p95)\n')
  const names = [...MARKS, 'step']
  const cells = (values) => values.map((value) => value.padStart(17)).join('')
  console.log(`${''.padEnd(20)}${cells(names)}`)
  for (const [label, taken] of Object.entries(takeOvers)) {
    const values = names.map((name) => {
      const all = taken.map(({ marks }) => marks[name]).filter((at) => at !== undefined)
      if (all.length === 0) return '—'
      const high = percentile(all, 0.95).toFixed(0)
      return median(all) < 0 ? 'before' : `${median(all).toFixed(0)} (${high})`
    })
    console.log(`${label.padEnd(20)}${cells(values)}`)
  }
}

function tail({ samples }) {
  return samples.length === 0 ? '' : `p95 ${percentile(samples, 0.95).toFixed(1)} ms`
}

async function firstSteps(lab) {
  const leader = await tab(lab, 'first-step')
  const follower = await tab(lab, 'first-step')
  const repeatedly = (page) => async () => {
    const all = []
    for (let n = 0; n < lab.size(FIRST_STEPS, 4); n++) all.push(await page.call('tab', 'firstStep'))
    return all
  }
  const taken = await lab.interleave({
    leader: repeatedly(leader),
    follower: repeatedly(follower),
  })
  await leader.close()
  await follower.close()
  const durably = 'it has no follower: each tab polls for itself'
  return ['leader', 'follower'].map((role) => {
    const stepwell = flat(taken[role])
    const most = role === 'leader' ? 5 : 10
    return row(`from the ${role}`, 'ms', {
      stepwell,
      durably,
      budgets: [atMost(most, middle(stepwell), 'ms')],
      note: tail(stepwell),
    })
  })
}

/** In each round once with each number of followers. */
async function besideFollowers(lab) {
  const leader = await tab(lab, 'beside')
  const logs = []
  const takers = FOLLOWERS.map((count) => [
    String(count),
    async (round) => {
      const followers = []
      while (followers.length < count) followers.push(await tab(lab, 'beside'))
      for (const page of followers) await page.call('tab', 'listen')
      const rate = await leader.call('tab', 'steps', lab.size(RUN_STEPS, 50))
      if (count === 1) {
        const taken = await logLines(lab, leader, followers[0])
        if (round >= 0) logs.push(taken)
      }
      for (const page of followers) await page.close()
      return rate
    },
  ])
  const taken = await lab.interleave(Object.fromEntries(takers))
  await leader.close()
  const durably = 'it has no leader'
  const of = (figure) => ({ samples: logs.map((log) => log[figure]), notRun: null })
  return [
    ...FOLLOWERS.map((count) =>
      row(`steps, ${count} followers`, '/s', { stepwell: taken[count], durably }),
    ),
    row(`main thread of a follower, ${LOG_LINES} log lines`, 'ms', {
      stepwell: of('task'),
      durably,
    }),
    row('… its longest handler of a message', 'ms', { stepwell: of('handler'), durably }),
  ]
}

/** What a follower's main thread does about log lines that are written elsewhere. */
async function logLines(lab, leader, follower) {
  const lines = lab.size(LOG_LINES, 100)
  const session = await lab.context.newCDPSession(follower.page)
  await session.send('Performance.enable')
  const taskMs = async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    return metrics.find(({ name }) => name === 'TaskDuration').value * 1_000
  }
  await follower.call('tab', 'heard')
  const before = await taskMs()
  const heard = follower.call('tab', 'hears', lines)
  await leader.call('tab', 'chatter', lines)
  await heard
  const task = (await taskMs()) - before
  const { longestMs } = await follower.call('tab', 'heard')
  await session.detach()
  return { task, handler: longestMs }
}

export const cases = [
  {
    id: 'take-over',
    group: 'tabs',
    title: 'The leader’s tab ends → next step in another tab',
    about:
      'A run of 20 ms steps is at work in one tab, another tab is open; milliseconds from the end of the first to the start of ' +
      'the next step. *Standby*: with the option `standby`. durably: the second tab polls until the lease has run out.',
    take: takeOvers,
  },
  {
    id: 'follower',
    group: 'tabs',
    title: 'Trigger → first step, idle, with two tabs open',
    about: 'Two tabs share the database: one leads, one follows.',
    take: firstSteps,
  },
  {
    id: 'followers',
    group: 'tabs',
    title: 'What followers cost',
    about: 'A run in the leader while other tabs listen to every event.',
    take: besideFollowers,
  },
]
