// Where the time of a step goes: CPU profiles of the page, the engine worker and the executor, at the same time.
//
//   cargo xtask wasm --profiling && npm run build && node bench/profile/run.mjs --runs 1 --steps 2000 --durability relaxed
//
// Prints the functions that cost most by themselves; `--save DIR` keeps the profiles for Chromium's developer tools.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { startServer } from '../../playwright/server/server.mjs'
import { findChromium } from '../../scripts/lib/chromium.mjs'
import { added, mainThreads, renderers, workerThreads } from '../cpu.mjs'
import { FLAGS } from '../lab.mjs'

const HERE = import.meta.dirname
const SAMPLING_US = 100
const LINES = 30

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '1' },
    steps: { type: 'string', default: '2000' },
    durability: { type: 'string', default: 'relaxed' },
    save: { type: 'string' },
  },
})

if (!existsSync(path.join(HERE, '../wasm/stepwell_wasm_bg.wasm'))) {
  console.error('There is no wasm with names. Run `cargo xtask wasm --profiling` first.')
  process.exit(1)
}
const vite = path.join(HERE, '../node_modules/.bin/vite')
execFileSync(vite, ['build', '--minify', 'false', '--logLevel', 'warn'], {
  cwd: HERE,
  stdio: 'inherit',
})

const server = await startServer({ root: path.join(HERE, 'dist'), hashed: '/assets/' })
const profileFolder = mkdtempSync(path.join(tmpdir(), 'stepwell-profile-'))
const context = await chromium.launchPersistentContext(profileFolder, {
  executablePath: findChromium(),
  args: FLAGS,
})
try {
  const page = await context.newPage()
  await page.goto(`${server.origin}/?durability=${options.durability}`)
  const run = (steps) =>
    page.evaluate((args) => window.profile.steps(...args), [Number(options.runs), steps])
  // Opening and tiering up are not what is looked at.
  for (let n = 0; n < 3; n++) await run(300)
  const targets = await threads(await context.newCDPSession(page))
  const steps = Number(options.runs) * Number(options.steps)
  const processes = await renderers(context)
  const cpuBefore = [workerThreads(processes), mainThreads(processes)]
  const rate = await run(Number(options.steps))
  const cpuAfter = [workerThreads(processes), mainThreads(processes)]
  console.log(`${options.runs} runs, ${options.durability}: ${rate.toFixed(0)} steps/s unprofiled`)
  const cpu = cpuAfter.map((after, i) =>
    added(cpuBefore[i], after).map((ms) => ((ms * 1_000) / steps).toFixed(0)),
  )
  console.log(
    `CPU a step: workers ${cpu[0].join(' and ')} µs, main threads ${cpu[1].join(' and ')} µs`,
  )
  for (const target of targets) await start(target)
  const profiled = await run(Number(options.steps))
  console.log(`${profiled.toFixed(0)} steps/s while profiled`)
  for (const target of targets) report(target, await stop(target), steps)
} finally {
  await context.close()
  await server.close()
  rmSync(profileFolder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
}

/** The page and its workers, each with a way to send commands to it. */
async function threads(session) {
  const pending = new Map()
  const found = [{ name: 'page', send: (method, params) => session.send(method, params) }]
  session.on('Target.receivedMessageFromTarget', ({ message }) => {
    const { id, result, error } = JSON.parse(message)
    if (id === undefined) return
    const { resolve, reject } = pending.get(id)
    pending.delete(id)
    if (error === undefined) resolve(result)
    else reject(new Error(error.message))
  })
  let last = 0
  session.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
    const send = (method, params = {}) => {
      last += 1
      const message = JSON.stringify({ id: last, method, params })
      const answer = new Promise((resolve, reject) => pending.set(last, { resolve, reject }))
      session.send('Target.sendMessageToTarget', { sessionId, message })
      return answer
    }
    found.push({ name: path.basename(new URL(targetInfo.url).pathname), send })
  })
  await session.send('Target.setAutoAttach', {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: false,
  })
  return found
}

async function start({ send }) {
  await send('Profiler.enable')
  await send('Profiler.setSamplingInterval', { interval: SAMPLING_US })
  await send('Profiler.start')
}

async function stop({ send }) {
  const { profile } = await send('Profiler.stop')
  return profile
}

/** Microseconds a step in each function by itself, and with all that it called. */
function report({ name }, profile, steps) {
  if (options.save !== undefined) {
    mkdirSync(options.save, { recursive: true })
    writeFileSync(path.join(options.save, `${name}.cpuprofile`), JSON.stringify(profile))
  }
  const byId = new Map(profile.nodes.map((node) => [node.id, node]))
  const parents = new Map()
  for (const node of profile.nodes) {
    for (const child of node.children ?? []) parents.set(child, node.id)
  }
  const own = new Map()
  const total = new Map()
  const add = (times, key, us) => times.set(key, (times.get(key) ?? 0) + us)
  for (const [i, id] of profile.samples.entries()) {
    const us = profile.timeDeltas[i]
    add(own, labelOf(byId.get(id)), us)
    const seen = new Set()
    for (let at = id; at !== undefined; at = parents.get(at)) {
      const label = labelOf(byId.get(at))
      if (!seen.has(label)) add(total, label, us)
      seen.add(label)
    }
  }
  const asleep = own.get('(idle)') ?? 0
  const busy =
    [...own.values()].reduce((sum, us) => sum + us, 0) - asleep - (own.get('(program)') ?? 0)
  const each = (us) => (us / steps).toFixed(1).padStart(7)
  console.log(`\n${name}: ${(busy / steps).toFixed(1)} µs a step in functions`)
  console.log('    own   total')
  for (const [label, us] of [...own].sort((a, b) => b[1] - a[1]).slice(0, LINES)) {
    console.log(`${each(us)} ${each(total.get(label))}  ${label}`)
  }
}

function labelOf({ callFrame: { functionName, url, lineNumber } }) {
  const name = functionName === '' ? '(anonymous)' : functionName
  if (name.startsWith('('))
    return url === '' ? name : `${name} ${path.basename(url)}:${lineNumber + 1}`
  return name
}
