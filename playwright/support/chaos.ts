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

type Fate = (crowd: Crowd, tab: Tab) => Promise<void>

const closes: Fate = async (crowd, tab) => {
  await tab.page.close()
  await replace(crowd, tab)
}
const isReloaded: Fate = (_crowd, tab) => reload(tab)
const goesByALink: Fate = async (_crowd, tab) => {
  await goAway(tab.page)
  tab.state = 'away'
}
const isFrozen: Fate = async (_crowd, tab) => {
  await freeze(tab.page)
  tab.state = 'frozen'
}

/** Each ends with the leader's engine gone: the tab's own, its page's, or the whole browser's. */
const TO_LEADER: Readonly<Record<string, Fate>> = {
  closes,
  async crashes(crowd, tab) {
    await crashTab(tab.page)
    await closes(crowd, tab)
  },
  'goes by a link': goesByALink,
  'is reloaded': isReloaded,
  async 'closes its client'(_crowd, tab) {
    await tab.page.evaluate(() => window.stepwell.close())
    await reload(tab)
  },
  'is frozen': isFrozen,
  'loses its engine by a panic': (_crowd, tab) => loseEngine(tab, 'panic'),
  "loses its engine's worker": (_crowd, tab) => loseEngine(tab, 'terminate'),
  async 'is killed with the whole browser'(crowd) {
    await crowd.browser.kill()
    crowd.browser = await startRawBrowser(crowd.profile)
    for (const tab of crowd.tabs) await replace(crowd, tab)
  },
}

/** None of these changes who leads. */
const TO_FOLLOWER: Readonly<Record<string, Fate>> = {
  closes,
  'goes by a link': goesByALink,
  'is reloaded': isReloaded,
  'is frozen': isFrozen,
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

/** Something happens to the leader, which another engine follows; before that, now and then, to others. */
export async function failOver(crowd: Crowd, before: Leader): Promise<Leader> {
  const { dice, tabs } = crowd
  const followers = tabs.filter(({ state }) => state === 'up').filter((tab) => tab !== before.tab)
  const follower = followers[dice.integer(followers.length)]
  if (follower !== undefined && dice.integer(3) === 0) await strike(crowd, follower, TO_FOLLOWER)
  // Its steps in flight begin again in another worker.
  if (dice.integer(5) === 0) await before.tab.page.evaluate(() => window.killExecutor())
  await passes(dice.integer(200))
  await strike(crowd, before.tab, TO_LEADER)
  for (const tab of tabs) if (tab !== before.tab) await wake(tab)
  return leaderAfter(crowd, before.epoch)
}

async function strike(crowd: Crowd, tab: Tab, fates: Readonly<Record<string, Fate>>) {
  const { dice, story, tabs } = crowd
  const all = Object.entries(fates)
  const [name, fate] = all[dice.integer(all.length)] ?? []
  story.push(`${story.length}: tab ${tabs.indexOf(tab)} ${name}`)
  await fate?.(crowd, tab)
}

/** A tab that is away or frozen is back. */
export async function wake(tab: Tab): Promise<void> {
  if (tab.state === 'away') await tab.page.goBack({ waitUntil: 'commit' })
  if (tab.state === 'frozen') await thaw(tab.page)
  tab.state = 'up'
  await tab.page.waitForFunction(() => window.stepwell?.status.state === 'ready')
}
