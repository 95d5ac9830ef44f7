// The browser in which everything is measured, and how its samples are taken.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { chromium } from 'playwright-core'
import { startServer } from '../playwright/server/server.mjs'
import { findChromium } from '../scripts/lib/chromium.mjs'

/** As little of the browser’s own work as can be. */
export const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
/** sqlocal needs a page that is isolated from other origins. Stepwell does not, and has the same page. */
const HEADERS = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
}
const SAMPLE_MS_MAX = 180_000
/** Those whose code is among the packages of `bench/durably`. */
const NEEDS_DURABLY = /^(durably|commit)/

/**
 * @param {{ rounds: number, isQuick: boolean, without: string | null }} options `without`: why there is no durably.
 */
export async function openLab({ rounds, isQuick, without }) {
  const server = await startServer({
    root: path.join(import.meta.dirname, 'dist'),
    hashed: '/assets/',
    headers: HEADERS,
  })
  const profile = mkdtempSync(path.join(tmpdir(), 'stepwell-bench-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findChromium(),
    args: FLAGS,
    // As browsers are: a page that is left goes to the cache.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  })
  const fixtures = new Map()
  const lab = {
    rounds,
    context,
    without,
    origin: server.origin,
    profile,
    version: context.browser()?.version() ?? 'unknown',
    /** Sizes that are smaller in a quick run, whose figures mean nothing. */
    size: (usual, quick) => (isQuick ? quick : usual),
    open: (start) => openPage(context, server.origin, start),
    /** Calls with a page that is closed afterwards. */
    async inPage(work, start) {
      const page = await lab.open(start)
      try {
        return await work(page)
      } finally {
        await page.close()
      }
    },
    /**
     * Takes samples of each in turns: A B A B … The first of each is not counted: opening, compiling, the first pages of a
     * file. Who fails is not asked again.
     *
     * @param {Record<string, () => Promise<unknown>>} takers
     * @param {{ rounds?: number, unmeasured?: number }} [options]
     * @returns {Promise<Record<string, { samples: any[], notRun: string | null }>>}
     */
    async interleave(takers, { rounds = lab.rounds, unmeasured = 1 } = {}) {
      const taken = {}
      for (const name of Object.keys(takers)) {
        const notRun = NEEDS_DURABLY.test(name) ? without : null
        taken[name] = { samples: [], notRun }
      }
      for (let round = -unmeasured; round < rounds; round++) {
        for (const [name, take] of Object.entries(takers)) {
          if (taken[name].notRun !== null) continue
          const before = new Set(context.pages())
          try {
            const sample = await inTime(take(round))
            if (round >= 0) taken[name].samples.push(sample)
          } catch (error) {
            taken[name] = { samples: [], notRun: firstLine(error) }
            // What it left open would be at work beside the others.
            const left = context.pages().filter((page) => !before.has(page))
            for (const page of left) await page.close().catch(() => undefined)
          }
        }
      }
      return taken
    },
    /** What several cases need is made once. */
    fixture(name, make) {
      if (!fixtures.has(name)) fixtures.set(name, make())
      return fixtures.get(name)
    },
    async close() {
      await context.close()
      await server.close()
      rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    },
  }
  return lab
}

/** @param {unknown[]} [start] the call with which the page starts: part, name, arguments. */
async function openPage(context, origin, start) {
  const page = await context.newPage()
  const query = start === undefined ? '' : `?start=${encodeURIComponent(JSON.stringify(start))}`
  await page.goto(`${origin}/${query}`)
  return {
    page,
    call: (part, name, ...args) =>
      page.evaluate(
        ([part, name, args]) => window.bench.call(part, name, ...args),
        [part, name, args],
      ),
    started: () => page.evaluate(() => window.bench.started),
    reload: () => page.reload(),
    close: () => page.close(),
  }
}

/** A sample that hangs is one that fails: the others go on. */
async function inTime(sample) {
  let timer
  const late = new Promise((_, reject) => {
    const fail = () => reject(new Error(`no answer in ${SAMPLE_MS_MAX / 1_000} s`))
    timer = setTimeout(fail, SAMPLE_MS_MAX)
  })
  try {
    return await Promise.race([sample, late])
  } finally {
    clearTimeout(timer)
  }
}

export function firstLine(error) {
  const text = error instanceof Error ? error.message : String(error)
  return text.split('\n')[0]
}

export function passes(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
