// Every check that must hold. The last line is `N passed, N failed`.
//
//   npm test                                     everything
//   npm test -- --only rust,playwright           sections or groups; what they need is built first
//   npm test -- --only playwright -- -g resume   the rest goes to Playwright
//   npm test -- --list

import { program } from './lib/process.mjs'
import { SECTIONS } from './lib/sections.mjs'
import { setup } from './setup.mjs'

await program(import.meta, async (args) => {
  const { only, extra, list } = parse(args)
  if (list) return console.log(SECTIONS.map(({ name, group }) => `${group}/${name}`).join('\n'))
  const sections = pick(only)

  const results = [await measured({ name: 'set-up', run: prepare })]
  if (results[0].failed === 0) {
    for (const section of sections) {
      const blocked = results.some(({ name, failed }) => name === section.needs && failed > 0)
      results.push(await measured(blocked ? { ...section, run: refuse } : section, extra))
    }
  }
  report(results)
})

function parse(args) {
  const dashes = args.indexOf('--')
  const own = dashes < 0 ? args : args.slice(0, dashes)
  const at = own.indexOf('--only')
  return {
    only: at < 0 ? undefined : (own[at + 1] ?? '').split(','),
    extra: dashes < 0 ? [] : args.slice(dashes + 1),
    list: own.includes('--list'),
  }
}

function pick(only) {
  if (!only) return SECTIONS
  const unknown = only.filter((word) => !SECTIONS.some((s) => s.name === word || s.group === word))
  if (unknown.length > 0) {
    throw new Error(`no section or group is called ${unknown.join(', ')}; see npm test -- --list`)
  }
  const picked = SECTIONS.filter((s) => only.includes(s.name) || only.includes(s.group))
  return SECTIONS.filter((s) => picked.includes(s) || picked.some(({ needs }) => needs === s.name))
}

/** The set-up is no check: it counts only when it fails. */
async function prepare() {
  await setup()
  return { passed: 0, failed: 0, uncounted: true }
}

async function refuse() {
  console.log('not run: the build failed')
  return { passed: 0, failed: 1 }
}

async function measured({ name, run }, extra = []) {
  console.log(`\n━━ ${name} ${'━'.repeat(Math.max(0, 76 - name.length))}`)
  const start = performance.now()
  let result
  try {
    result = await run(extra)
  } catch (error) {
    console.log(error instanceof Error ? error.message : error)
    result = { passed: 0, failed: 1 }
  }
  if (result.passed + result.failed === 0 && !result.uncounted) {
    console.log(`${name} ran nothing`)
    result = { passed: 0, failed: 1 }
  }
  const seconds = (performance.now() - start) / 1000
  console.log(`── ${name}: ${counts(result)}, ${seconds.toFixed(1)} s`)
  return { name, seconds, ...result }
}

function report(results) {
  const total = { passed: 0, failed: 0 }
  console.log(
    `\n${'section'.padEnd(14)}${'passed'.padStart(8)}${'failed'.padStart(8)}${'seconds'.padStart(10)}`,
  )
  for (const { name, passed, failed, seconds } of results) {
    total.passed += passed
    total.failed += failed
    const cells = [String(passed).padStart(8), String(failed).padStart(8)]
    console.log(`${name.padEnd(14)}${cells.join('')}${seconds.toFixed(1).padStart(10)}`)
  }
  if (total.failed > 0) process.exitCode = 1
  console.log(`\n${counts(total)}`)
}

function counts({ passed, failed }) {
  return `${passed} passed, ${failed} failed`
}
