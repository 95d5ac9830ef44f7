/** A crowd of tabs that trigger all the time, and everything that can happen to one. */
import type { BrowserContext, Page } from '@playwright/test'
import type { TestServer } from '../server/server.mjs'
import { addressOf, expect } from './fixtures.js'
import { passes } from './lives.js'
import { panel } from './panels.js'
import type { Random } from './random.js'
import { type RawBrowser, startRawBrowser } from './raw-browser.js'
import { crashTab, freeze, goAway, thaw } from './tabs.js'

/** How long it may take until another engine leads, on a machine that is busy with other things. */
const FAIL_OVER_MS_MAX = 20_000

interface Tab {
  page: Page
  state: 'up' | 'frozen' | 'away'
  /** Engines that were lost in it: three within a minute are one too many. */
  faults: number
}

export interface Crowd {
  readonly dice: Random
  readonly server: TestServer
  readonly key: string
  readonly profile: string
  browser: RawBrowser
  readonly tabs: Tab[]
  /** What happened, for the message of a test that fails. */
  readonly story: string[]
}

export async function gather(
  count: number,
  base: Pick<Crowd, 'dice' | 'server' | 'key' | 'profile'>,
): Promise<Crowd> {
  const browser = await startRawBrowser(base.profile)
  const crowd: Crowd = { ...base, browser, tabs: [], story: [] }
  for (let i = 0; i < count; i++) crowd.tabs.push(await newTab(crowd))
  return crowd
}

async function newTab(crowd: Crowd): Promise<Tab> {
  return { page: await openPage(crowd, crowd.browser.context), state: 'up', faults: 0 }
}

async function openPage(crowd: Crowd, context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  await page.goto(addressOf(crowd.server.origin, crowd.key, crowdOptions(crowd.key)))
  await page.waitForFunction(() => window.stepwell.status.state === 'ready')
  return page
}

function crowdOptions(key: string) {
  return { ...panel({ panels: ['runs'], more: { load: key } }), concurrency: 4 }
}

/** Each ends with the leader's engine gone: the tab's own, its page's, or the whole browser's. */
const TO_LEADER: Readonly<Record<string, (crowd: Crowd, tab: Tab) => Promise<void>>> = {
  async closes(crowd, tab) {
    await tab.page.close()
    await replace(crowd, tab)
  },
  async crashes(crowd, tab) {
    await crashTab(tab.page)
    await tab.page.close()
    await replace(crowd, tab)
  },
  async 'goes by a link'(_crowd, tab) {
    await goAway(tab.page)
    tab.state = 'away'
  },
  async 'is reloaded'(_crowd, tab) {
    await reload(tab)
  },
  async 'closes its client'(_crowd, tab) {
    await tab.page.evaluate(() => window.stepwell.close())
    await reload(tab)
  },
  async 'is frozen'(_crowd, tab) {
    await freeze(tab.page)
    tab.state = 'frozen'
  },
  async 'loses its engine by a panic'(_crowd, tab) {
    await loseEngine(tab, 'panic')
  },
  async "loses its engine's worker"(_crowd, tab) {
    await loseEngine(tab, 'terminate')
  },
  async 'is killed with the whole browser'(crowd) {
    await crowd.browser.kill()
    crowd.browser = await startRawBrowser(crowd.profile)
    for (const tab of crowd.tabs) await replace(crowd, tab)
  },
}

async function loseEngine(tab: Tab, how: 'panic' | 'terminate'): Promise<void> {
  tab.faults += 1
  if (tab.faults > 2) return reload(tab)
  await tab.page.evaluate((how) => window.crash(how), how)
}

async function reload(tab: Tab): Promise<void> {
  await tab.page.reload()
  tab.faults = 0
}

async function replace(crowd: Crowd, tab: Tab): Promise<void> {
  Object.assign(tab, await newTab(crowd))
}

export interface Leader {
  readonly tab: Tab
  readonly epoch: number
}

/** The tab that leads with an open engine; `null`: none does just now. Fails where two of one epoch say so. */
async function leaderOf(crowd: Crowd): Promise<Leader | null> {
  const found: Leader[] = []
  for (const tab of crowd.tabs) {
    if (tab.state !== 'up') continue
    const status = await tab.page.evaluate(() => {
      const { role, state, epoch } = window.stepwell.status
      return { role, state, epoch }
    })
    const { role, state, epoch } = status
    if (role === 'leader' && state === 'ready' && epoch !== null) found.push({ tab, epoch })
  }
  const newest = Math.max(...found.map(({ epoch }) => epoch))
  const leaders = found.filter(({ epoch }) => epoch === newest)
  expect(leaders.length, crowd.story.join('\n')).toBeLessThanOrEqual(1)
  return leaders[0] ?? null
}

/** Waits for a leader with a newer engine. */
export async function leaderAfter(crowd: Crowd, epoch: number): Promise<Leader> {
  let leader: Leader | null = null
  const newest = async () => {
    leader = await leaderOf(crowd)
    return leader?.epoch ?? 0
  }
  const options = { timeout: FAIL_OVER_MS_MAX, intervals: [20], message: crowd.story.join('\n') }
  await expect.poll(newest, options).toBeGreaterThan(epoch)
  if (leader === null) throw new Error('somebody leads')
  return leader
}

/** Something happens to the leader, which another engine follows; and now and then to another tab, too. */
export async function failOver(crowd: Crowd, before: Leader): Promise<Leader> {
  const { dice, story } = crowd
  if (dice.integer(3) === 0) await disturbFollower(crowd, before)
  await passes(dice.integer(200))
  const names = Object.keys(TO_LEADER)
  const name = names[dice.integer(names.length)] ?? ''
  story.push(`${story.length}: tab ${crowd.tabs.indexOf(before.tab)} (${before.epoch}) ${name}`)
  await TO_LEADER[name]?.(crowd, before.tab)
  // Somebody must be left to lead, and those that were away before the leader are back by the next time.
  for (const tab of crowd.tabs) {
    if (tab !== before.tab || crowd.tabs.every(({ state }) => state !== 'up')) await wake(tab)
  }
  return leaderAfter(crowd, before.epoch)
}

async function disturbFollower(crowd: Crowd, { tab: leader }: Leader): Promise<void> {
  const { dice, tabs, story } = crowd
  const followers = tabs.filter((tab) => tab !== leader && tab.state === 'up')
  const tab = followers[dice.integer(followers.length)]
  if (tab === undefined) return
  const what = dice.integer(5)
  story.push(`${story.length}: tab ${tabs.indexOf(tab)} (follower) gets a disturbance, ${what}`)
  if (what === 0) await TO_LEADER['closes']?.(crowd, tab)
  else if (what === 1) await reload(tab)
  else if (what === 2) await TO_LEADER['goes by a link']?.(crowd, tab)
  else if (what === 3) await TO_LEADER['is frozen']?.(crowd, tab)
  // Its steps in flight begin again in another worker.
  else await leader.page.evaluate(() => window.killExecutor())
}

/** A tab that is away or frozen is back. */
export async function wake(tab: Tab): Promise<void> {
  if (tab.state === 'away') await tab.page.goBack({ waitUntil: 'commit' })
  if (tab.state === 'frozen') await thaw(tab.page)
  tab.state = 'up'
  await tab.page.waitForFunction(() => window.stepwell?.status.state === 'ready')
}
