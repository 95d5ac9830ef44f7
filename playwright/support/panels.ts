/** What tests of the hooks do with the page of panels. */
import type { Page } from '@playwright/test'
import { expect, type PageOptions } from './fixtures.js'

export interface PanelOptions {
  readonly strict?: boolean
  /** The major version of React. Default 19. */
  readonly react?: 18 | 19
  readonly job?: string
  readonly panels?: readonly string[]
  /** More of the query string. */
  readonly more?: Readonly<Record<string, string>>
}

export function panel(options: PanelOptions): PageOptions {
  const { strict = false, react = 19, job = 'steps', panels = ['job'], more = {} } = options
  const query: Record<string, string> = { job, ...more }
  if (strict) query['strict'] = '1'
  for (const name of panels) query[`${name}-panel`] = '1'
  return { page: react === 18 ? 'react-18/react.html' : 'react.html', query }
}

/** Each way in which hooks have to work: both versions of React, in and out of StrictMode. */
export const WAYS = ([18, 19] as const).flatMap((react) =>
  [false, true].map((strict) => ({
    react,
    strict,
    title: `React ${react}, ${strict ? 'in' : 'out of'} StrictMode`,
  })),
)

/** The hook of that panel; the first one is `job`. */
export const region = (page: Page, name = 'job') => page.getByRole('region', { name })

export async function trigger(page: Page, input: object, name = 'job'): Promise<void> {
  const job = region(page, name)
  await job.getByLabel('Input').fill(JSON.stringify(input))
  await job.getByRole('button', { name: 'Trigger', exact: true }).click()
}

export const status = (page: Page, name = 'job') => page.getByTestId(`${name}-status`)

/** The id of the run that the panel shows. Waits for it: a step may be at work before the page has heard of its run. */
export async function runShown(page: Page, name = 'job'): Promise<string> {
  const id = page.getByTestId(`${name}-run`)
  await expect(id).not.toBeEmpty()
  return (await id.textContent()) ?? ''
}

/** The greatest number of commits of that panel in one frame, of those that a test looks at; 0 where there are none. */
export async function commitsAFrame(
  page: Page,
  name: string,
  isSeen: (status: string) => boolean,
): Promise<number> {
  const commits = await page.evaluate(() => window.commits)
  const perFrame = new Map<number, number>()
  for (const { frame } of commits.filter((each) => each.panel === name && isSeen(each.status))) {
    perFrame.set(frame, (perFrame.get(frame) ?? 0) + 1)
  }
  return Math.max(0, ...perFrame.values())
}
