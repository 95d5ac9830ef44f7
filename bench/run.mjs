// Steps per second beside the raw write + flush rate of the same page, in one run of one browser, interleaved.
//
//   npm run bench                 (builds first: npm run build)
//   npm run bench -- --rounds 9 --stored-runs 20000
//   npm run bench -- --only waiting --asleep 10000 --idle-seconds 60
//   npm run bench -- --only tabs --rounds 10
//
// Take the ratios: the absolutes are this machine's. Nothing here is a test.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { chromium } from 'playwright-core'
import { startServer } from '../playwright/server/server.mjs'
import { findChromium } from '../scripts/lib/chromium.mjs'
import { median } from './statistics.mjs'
import { measureTabs, reportTabs } from './tabs.mjs'
import { measureWaiting, reportWaiting } from './waiting.mjs'

const HERE = import.meta.dirname
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const RAW_WRITES = 300
const RUN_STEPS = 500
const RUNS_AT_ONCE = 16
const STEPS_EACH = 60
const FIRST_STEPS = 40
const SLOW_STEPS = 30
const SCALE_SAMPLES = 40

const rounds = numberOf('--rounds', 5)
const storedRuns = numberOf('--stored-runs', 100_000)
const asleep = numberOf('--asleep', 10_000)
const idleSeconds = numberOf('--idle-seconds', 60)
const only = oneOf('--only', ['working', 'waiting', 'tabs'])
if (!existsSync(path.join(HERE, '../packages/core/dist/index.js'))) {
  console.error('The packages are not built. Run `npm run build` first.')
  process.exit(1)
}
execFileSync(path.join(HERE, 'node_modules/.bin/vite'), ['build'], { cwd: HERE, stdio: 'inherit' })

const server = await startServer({ root: path.join(HERE, 'dist'), hashed: '/assets/' })
const profile = mkdtempSync(path.join(tmpdir(), 'stepwell-bench-'))
const context = await chromium.launchPersistentContext(profile, {
  executablePath: findChromium(),
  args: FLAGS,
  // As browsers are: a page that is left goes to the cache.
  ignoreDefaultArgs: ['--disable-back-forward-cache'],
})
try {
  const isWanted = (part) => only === undefined || only === part
  const options = { rounds, asleep, idleSeconds }
  const working = isWanted('working') ? await measureWorking() : null
  const waiting = isWanted('waiting') ? await measureWaiting(context, server.origin, options) : null
  const tabs = isWanted('tabs') ? await measureTabs(context, server.origin, options) : null
  title()
  if (working !== null) report(working)
  if (waiting !== null) reportWaiting(waiting, asleep, row)
  if (tabs !== null) reportTabs(tabs, row)
} finally {
  await context.close()
  await server.close()
  rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
}

async function measureWorking() {
  const page = await context.newPage()
  await page.goto(server.origin)
  const samples = await measure(page)
  await page.close()
  return samples
}

async function measure(page) {
  const cases = {
    raw: () => page.evaluate((n) => window.bench.raw(n), RAW_WRITES),
    strict1: () => steps(page, 'strict', 1, RUN_STEPS),
    strict16: () => steps(page, 'strict', RUNS_AT_ONCE, STEPS_EACH),
    relaxed1: () => steps(page, 'relaxed', 1, RUN_STEPS),
    relaxed16: () => steps(page, 'relaxed', RUNS_AT_ONCE, STEPS_EACH),
    resume: () => resume(page),
  }
  const samples = { first: [] }
  // Once unmeasured: opening, compiling, the first pages of the file.
  for (const [name, run] of Object.entries(cases)) {
    samples[name] = []
    await run()
  }
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(cases)) samples[name].push(await run())
    for (let n = 0; n < FIRST_STEPS; n++) {
      samples.first.push(await page.evaluate(() => window.bench.firstStep()))
    }
  }
  samples.scale = await atScale(page)
  return samples
}

/** A database with one page of ended runs and one with many, in turns: so that both answer with as many runs. */
async function atScale(page) {
  console.log(`storing ${storedRuns} ended runs …`)
  await page.evaluate(() => window.bench.fill('small', 50))
  await page.evaluate((count) => window.bench.fill('full', count), storedRuns)
  const samples = { small: [], full: [] }
  for (let n = -5; n < SCALE_SAMPLES; n++) {
    for (const which of ['small', 'full']) {
      const sample = await page.evaluate((name) => window.bench.atScale(name), which)
      if (n >= 0) samples[which].push(sample)
    }
  }
  return samples
}

async function steps(page, durability, runs, count) {
  return page.evaluate((args) => window.bench.steps(...args), [durability, runs, count])
}

/** Reloads in the middle of a run of 20 ms steps. */
async function resume(page) {
  const id = await page.evaluate((count) => window.bench.startSlow(count), SLOW_STEPS)
  await page.evaluate((run) => window.bench.reached(run, 5), id)
  await page.reload()
  return page.evaluate((run) => window.bench.resumedAfter(run), id)
}

function title() {
  const version = context.browser()?.version() ?? 'unknown'
  console.log(
    `\nChromium ${version}, profile in ${tmpdir()}, ${rounds} rounds, medians (lowest to highest)\n`,
  )
}

function row(label, values, unit, note = '') {
  const middle = format(median(values))
  const spread = `${format(Math.min(...values))} to ${format(Math.max(...values))}`
  console.log(
    `${label.padEnd(44)}${`${middle} ${unit}`.padStart(14)}   ${spread.padEnd(18)} ${note}`,
  )
}

function report(samples) {
  const rate = (name) => samples[name].map((sample) => (Array.isArray(sample) ? sample[0] : sample))
  const perCommit = (name) => median(samples[name].map(([, steps]) => steps))
  const floor = median(rate('raw'))
  const against = (name) =>
    `${(median(rate(name)) / floor).toFixed(2)} × raw, ${perCommit(name).toFixed(2)} steps a commit`
  row('raw 4 KiB write + flush', rate('raw'), '/s')
  row(`steps, one run of ${RUN_STEPS}, strict`, rate('strict1'), '/s', against('strict1'))
  row(`steps, ${RUNS_AT_ONCE} runs at once, strict`, rate('strict16'), '/s', against('strict16'))
  row(`steps, one run of ${RUN_STEPS}, relaxed`, rate('relaxed1'), '/s', against('relaxed1'))
  row(`steps, ${RUNS_AT_ONCE} runs at once, relaxed`, rate('relaxed16'), '/s', against('relaxed16'))
  row('trigger → first step, idle, strict', samples.first, 'ms')
  row('reload in mid-run → next step, strict', samples.resume, 'ms')
  const of = (which, index) => samples.scale[which].map((sample) => sample[index])
  for (const [index, label] of [
    'trigger',
    'trigger → first step',
    'first page of runs',
  ].entries()) {
    const ratio = median(of('full', index)) / median(of('small', index))
    row(`${label}, 50 runs stored`, of('small', index), 'ms')
    row(
      `${label}, ${storedRuns} runs stored`,
      of('full', index),
      'ms',
      `${ratio.toFixed(2)} × of 50`,
    )
  }
}

function format(value) {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1)
}

function argumentOf(option) {
  const args = process.argv.slice(2)
  const at = args.indexOf(option)
  return at < 0 ? undefined : args[at + 1]
}

/** `undefined` where it is left out: all. */
function oneOf(option, known) {
  const value = argumentOf(option)
  if (value === undefined || known.includes(value)) return value
  console.error(`${option} wants one of ${known.join(', ')}.`)
  process.exit(2)
}

function numberOf(option, byDefault) {
  const number = Number(argumentOf(option) ?? byDefault)
  if (Number.isInteger(number) && number > 0) return number
  console.error(`${option} wants a whole number above 0.`)
  process.exit(2)
}
