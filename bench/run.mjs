// Stepwell beside durably and beside what the machine can do, in one browser, in turns.
//
//   npm run bench                              all of it; writes docs/benchmarks.md (builds first: npm run build)
//   npm run bench -- --only steps,tabs         some cases, and no document
//   npm run bench -- --rounds 9
//   npm run bench -- --quick                   to see whether it works; its figures mean nothing
//
// Take the ratios: the absolutes are this machine's. Nothing here is a test.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { CASES } from './cases/index.mjs'
import { installDurably } from './durably/install.mjs'
import { firstLine, openLab } from './lab.mjs'
import { machine } from './machine.mjs'
import { judge, print, writeDocument } from './report.mjs'

const HERE = import.meta.dirname
const ROUNDS_USUAL = 5

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
})
const isQuick = options.quick
const rounds = Number(options.rounds ?? (isQuick ? 1 : ROUNDS_USUAL))
if (!Number.isInteger(rounds) || rounds < 1) fail('--rounds wants a whole number above 0.')
const chosen = choose(options.only)
if (!existsSync(path.join(HERE, '../packages/core/dist/index.js')))
  fail('The packages are not built. Run `npm run build` first.')

const startedAt = Date.now()
const without = installDurably()
if (without !== null) console.log(`durably: ${without}`)
execFileSync(path.join(HERE, 'node_modules/.bin/vite'), ['build'], { cwd: HERE, stdio: 'inherit' })

const lab = await openLab({ rounds, isQuick, without })
try {
  console.log(`Chromium ${lab.version}, ${rounds} rounds, medians (lowest–highest)`)
  const where = machine(lab)
  const results = []
  for (const one of chosen) {
    const from = Date.now()
    const result = await resultOf(one)
    results.push(result)
    print(result)
    console.log(`  ${((Date.now() - from) / 1_000).toFixed(0)} s`)
  }
  const { met, missed, unchecked } = judge(results)
  console.log(`\nbudgets: ${met} met, ${missed.length} not met, ${unchecked.length} not checked`)
  for (const line of [...missed, ...unchecked]) console.log(`  ${line}`)
  const minutes = (Date.now() - startedAt) / 60_000
  console.log(`${minutes.toFixed(1)} minutes`)
  if (options.only === undefined && !isQuick) {
    const date = new Date(startedAt).toISOString().slice(0, 10)
    const file = writeDocument({ results, machine: where, rounds, minutes, date })
    console.log(`wrote ${path.relative(process.cwd(), file)}`)
  }
} finally {
  await lab.close()
}

/** A case that fails does not keep others from running. */
async function resultOf({ id, title, about, take }) {
  console.log(`\n… ${title}`)
  try {
    return { id, title, about, rows: await take(lab), notRun: null }
  } catch (error) {
    return { id, title, about, rows: [], notRun: firstLine(error) }
  }
}

function choose(only) {
  if (only === undefined) return CASES
  const names = only.split(',')
  const known = new Set(CASES.flatMap(({ id, group = id }) => [id, group]))
  const unknown = names.filter((name) => !known.has(name))
  if (unknown.length > 0)
    fail(`There is no ${unknown.join(', ')}. There are ${[...known].join(', ')}.`)
  return CASES.filter(({ id, group }) => names.includes(id) || names.includes(group))
}

function fail(message) {
  console.error(message)
  process.exit(2)
}
