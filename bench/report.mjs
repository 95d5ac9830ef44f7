// The figures, as a table in the terminal and as docs/benchmarks.md.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { budgetText, figure, format } from './rows.mjs'

const ROOT = path.join(import.meta.dirname, '..')
const DOCUMENT = path.join(ROOT, 'docs/benchmarks.md')
const BIOME = path.join(ROOT, 'node_modules/.bin/biome')
/** What stands between these in the document is written by hand, and kept. */
const BY_HAND = ['<!-- by hand -->', '<!-- by hand: end -->']

/** @typedef {{ id: string, title: string, about: string, rows: import('./rows.mjs').Row[], notRun: string | null }} Result */

/** @param {Result} result */
export function print({ id, title, rows, notRun }) {
  console.log(`\n${title} (${id})`)
  if (notRun !== null) console.log(`  not run: ${notRun}`)
  for (const { label, unit, stepwell, durably, ratio, floor, budgets, note } of rows) {
    const parts = []
    if (floor !== null) parts.push(floorText(floor, unit))
    if (note !== '') parts.push(note)
    parts.push(...budgets.map(budgetText))
    const cells = [
      `  ${label}`.padEnd(44),
      figure(stepwell, unit).padEnd(30),
      figure(durably, unit).padEnd(30),
      times(ratio).padEnd(9),
    ]
    console.log(`${cells.join(' ')} ${parts.join('; ')}`)
  }
}

function floorText({ name, taken }, unit) {
  return name === '' ? figure(taken, unit) : `${name}: ${figure(taken, unit)}`
}

function times(ratio) {
  return Number.isFinite(ratio) ? `${format(ratio)} ×` : ''
}

/** How many budgets are met, and which are not. */
export function judge(results) {
  const all = results.flatMap(({ title, rows }) =>
    rows.flatMap(({ label, budgets }) => budgets.map((budget) => ({ title, label, budget }))),
  )
  const of = (isMet) => all.filter(({ budget }) => budget.isMet === isMet)
  const named = ({ title, label, budget }) => `${title}, ${label}: ${budgetText(budget)}`
  return { met: of(true).length, missed: of(false).map(named), unchecked: of(null).map(named) }
}

/** @param {{ results: Result[], machine: [string, string][], rounds: number, minutes: number, date: string }} of */
export function writeDocument({ results, machine, rounds, minutes, date }) {
  const { met, missed, unchecked } = judge(results)
  const text = [
    '# Benchmarks',
    '',
    `Written by \`npm run bench\` on ${date}, ${rounds} rounds, in ${minutes.toFixed(0)} minutes. Do not edit but between ` +
      'the two marks: the next run writes it anew.',
    '',
    'Stepwell beside [durably](https://github.com/coji/durably) with SQLocal, and beside what the machine can do without ' +
      'either: in one page of one Chromium with one profile on disk, in turns (Stepwell, durably, Stepwell, durably, …). Each ' +
      'figure is a median, in brackets the lowest and the highest. **Ratio**: how many times better Stepwell is. Compare ' +
      'ratios: the absolutes are this machine’s.',
    '',
    `Budgets (what Stepwell set itself before it was built): ${met} met, ${missed.length} not met, ` +
      `${unchecked.length} not checked.`,
    '',
    ...bullets(missed),
    '## How durably is set up',
    '',
    'As its documentation shows it for browsers, which are also the shortest times it shows: `pollingIntervalMs: 100`, ' +
      '`leaseRenewIntervalMs: 500`, `leaseMs: 3000`; “defaults” are 1,000, 5,000 and 30,000. SQLocal keeps SQLite’s own ' +
      'defaults (rollback journal, `synchronous=FULL`). It polls only while it is measured. Where it is slow it gets fewer ' +
      'items, as each table says; rates can be compared all the same. The runs that are stored beforehand are put into its ' +
      'tables by SQL: by its API they would take hours.',
    '',
    byHand(),
    '',
    ...results.flatMap(section),
    '## Where',
    '',
    ...table(['', ''], machine),
    '',
    '## How to repeat',
    '',
    '```sh',
    'npm run setup && npm run build',
    'npm run bench                    # all of it, and this document',
    'npm run bench -- --only steps    # one case: no document',
    '```',
    '',
    'It installs `bench/durably` by `npm ci`. Nothing else should run on the machine meanwhile.',
    '',
  ].join('\n')
  writeFileSync(DOCUMENT, text)
  // As everything else in the repository is: `npm test` looks at this file too.
  execFileSync(BIOME, ['format', '--write', DOCUMENT], { cwd: ROOT, stdio: 'pipe' })
  return DOCUMENT
}

/** @param {Result} result */
function section({ id, title, about, rows, notRun }) {
  const lines = [`## ${title}`, '', `\`--only ${id}\` · ${about}`, '']
  if (notRun !== null) return [...lines, `Not run: ${notRun}`, '']
  const cells = rows.map(({ label, unit, stepwell, durably, ratio, floor, budgets, note }) => [
    note === '' ? label : `${label}; ${note}`,
    figure(stepwell, unit),
    figure(durably, unit),
    times(ratio),
    floor === null ? '' : floorText(floor, unit),
    budgets.map((budget) => mark(budget)).join('<br>'),
  ])
  const head = ['', 'Stepwell', 'durably', 'Ratio', 'Floor', 'Budget']
  const used = head.map((_, column) => cells.some((row) => row[column] !== ''))
  const kept = (row) => row.filter((_, column) => used[column])
  return [...lines, ...table(kept(head), cells.map(kept)), '']
}

function mark(budget) {
  return budget.isMet === false ? `**${budgetText(budget)}**` : budgetText(budget)
}

function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)]
}

function bullets(lines) {
  return lines.length === 0 ? [] : [...lines.map((line) => `- ${line}`), '']
}

/** The part of the document that people write, with its marks. */
function byHand() {
  const old = existsSync(DOCUMENT) ? readFileSync(DOCUMENT, 'utf8') : ''
  const [start, end] = [old.indexOf(BY_HAND[0]), old.indexOf(BY_HAND[1])]
  return start < 0 || end < start ? BY_HAND.join('\n\n') : old.slice(start, end + BY_HAND[1].length)
}
