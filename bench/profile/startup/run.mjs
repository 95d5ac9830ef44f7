// Where the time of a start goes: page load → ready, and reload in mid-run → next step, moment by moment.
//
//   npm run build && node bench/profile/startup/run.mjs --loads 9 --stored-runs 100000 --profile DIR
//
// DIR keeps the browser's profile, so that a database that takes minutes to fill is filled once.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { startServer } from '../../../playwright/server/server.mjs'
import { findChromium } from '../../../scripts/lib/chromium.mjs'
import { renderers } from '../../cpu.mjs'
import { FLAGS } from '../../lab.mjs'
import { median, percentile } from '../../statistics.mjs'

const HERE = import.meta.dirname
/** The same origin each time: it is what a database belongs to. */
const PORT = 47_113
const SLOW_STEPS = 30
/** The time a page is looked at before it is left. */
const STAY_MS = 3_000

const { values: options } = parseArgs({
  options: {
    loads: { type: 'string', default: '9' },
    'stored-runs': { type: 'string', default: '0' },
    profile: { type: 'string' },
    dist: { type: 'string', default: path.join(HERE, 'dist') },
    'no-build': { type: 'boolean', default: false },
    flags: { type: 'string', default: '' },
    only: { type: 'string', default: 'empty,stored,reload' },
    plain: { type: 'boolean', default: false },
  },
})
const loads = Number(options.loads)
const storedRuns = Number(options['stored-runs'])
const wanted = options.only.split(',')

if (!options['no-build']) {
  const vite = path.join(HERE, '../../node_modules/.bin/vite')
  execFileSync(vite, ['build', '--logLevel', 'warn', '--outDir', options.dist, '--emptyOutDir'], {
    cwd: HERE,
    stdio: 'inherit',
  })
}
const server = await startServer({ root: options.dist, hashed: '/assets/', port: PORT })
const folder = options.profile ?? mkdtempSync(path.join(tmpdir(), 'stepwell-startup-'))
const context = await chromium.launchPersistentContext(folder, {
  executablePath: findChromium(),
  args: [...FLAGS, ...options.flags.split(' ').filter((flag) => flag !== '')],
})
try {
  const cases = []
  if (wanted.includes('empty')) cases.push(['empty database', () => load('empty')])
  if (wanted.includes('stored') && storedRuns > 0) {
    await fill()
    cases.push([`${storedRuns} runs stored`, () => load('stored')])
  }
  if (wanted.includes('reload')) cases.push(['reload in mid-run', reload])
  const samples = new Map(cases.map(([label]) => [label, []]))
  // In turns, so that the machine's moods fall on all of them. The first loads fill the browser's caches.
  for (let n = -2; n < loads; n++) {
    for (const [label, run] of cases) {
      const sample = await run()
      if (n >= 0) samples.get(label).push(sample)
    }
  }
  report(samples)
} finally {
  await context.close()
  await server.close()
  if (options.profile === undefined) {
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
}

async function open(database) {
  const page = await context.newPage()
  await page.goto(`${server.origin}/?database=${database}${options.plain ? '&plain' : ''}`)
  return page
}

async function load(database) {
  const page = await open(database)
  const marks = await page.evaluate(() => window.startup.marks())
  const cpu = await cpuOf()
  await page.waitForTimeout(STAY_MS)
  await page.close()
  return { ...marks, ...cpu }
}

/** What the threads of the page's process have cost so far: on a machine that is not idle the steadier number. */
async function cpuOf() {
  const groups = {
    'CPU: engine worker, ms': 0,
    'CPU: compilers and others, ms': 0,
    'CPU: page, ms': 0,
  }
  for (const process of await renderers(context)) {
    for (const thread of readdirSync(`/proc/${process}/task`)) {
      const folder = `/proc/${process}/task/${thread}`
      const name = readFileSync(`${folder}/comm`, 'utf8')
      const ms = Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]) / 1e6
      if (name.startsWith('DedicatedWorker')) {
        // The other one is the executor, which has done next to nothing.
        groups['CPU: engine worker, ms'] = Math.max(groups['CPU: engine worker, ms'], ms)
      } else if (String(process) === thread) groups['CPU: page, ms'] += ms
      else groups['CPU: compilers and others, ms'] += ms
    }
  }
  return groups
}

async function reload() {
  const page = await open('reload')
  const id = await page.evaluate((count) => window.startup.startSlow(count), SLOW_STEPS)
  await page.evaluate((run) => window.startup.reached(run, 5), id)
  await page.reload()
  const step = await page.evaluate((run) => window.startup.resumedAfter(run), id)
  const marks = await page.evaluate(() => window.startup.marks())
  await page.close()
  return { ...marks, 'next step': step }
}

/** Once a profile. */
async function fill() {
  const page = await open('stored')
  await page.evaluate(() => window.startup.marks())
  if (await page.evaluate(() => window.startup.isEmpty())) {
    console.log(`storing ${storedRuns} ended runs …`)
    await page.evaluate((count) => window.startup.fill(count), storedRuns)
    // What is left of the log is moved into the database in idle moments.
    await page.waitForTimeout(STAY_MS)
  }
  await page.close()
}

/** Of each moment the median, and in brackets what one load in five does not reach: nearer to an idle machine's. */
function report(samples) {
  const labels = [...samples.keys()]
  const columns = labels.map((label) => columnOf(samples.get(label)))
  const names = [...new Set(columns.flatMap((column) => [...column.keys()]))]
  const at = (name) => columns.findLast((column) => column.has(name)).get(name).low
  names.sort((a, b) => order(a) - order(b) || at(a) - at(b))
  console.log(`\nmedians of ${loads} (one in five is below)\n`)
  console.log(`| moment, ms since navigation | ${labels.join(' | ')} |`)
  console.log(`| --- |${labels.map(() => ' ---: |').join('')}`)
  for (const name of names) {
    const cells = columns.map((column) => cellOf(column.get(name)))
    console.log(`| ${name} | ${cells.join(' | ')} |`)
  }
}

/** Sums come after moments. */
function order(name) {
  return / (ms|count)$/.test(name) ? 1 : 0
}

function columnOf(all) {
  const names = new Set(all.flatMap(Object.keys))
  const valuesOf = (name) => all.map((one) => one[name]).filter(Number.isFinite)
  const summaryOf = (values) => ({ middle: median(values), low: percentile(values, 0.2) })
  return new Map([...names].map((name) => [name, summaryOf(valuesOf(name))]))
}

function cellOf(summary) {
  if (summary === undefined) return ''
  return `${summary.middle.toFixed(1)} (${summary.low.toFixed(1)})`
}
