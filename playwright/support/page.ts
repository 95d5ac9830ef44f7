/** What tests do with a page again and again. */
import { expect, type Page } from '@playwright/test'

/** Waits until the client has an engine (or the state that is named). */
export async function ready(page: Page, state = 'ready'): Promise<void> {
  await page.waitForFunction((wanted) => {
    // Reading anything connects the client.
    if (window.statuses.length <= 1) window.stepwell.getRuns({ limit: 1 }).catch(() => undefined)
    return window.stepwell.status.state === wanted
  }, state)
}

/** Triggers `steps`; the run's id. */
export function triggerSteps(
  page: Page,
  input: { key: string; count: number; gateAt?: number },
): Promise<string> {
  return page.evaluate(async (input) => (await window.stepwell.trigger('steps', input)).id, input)
}

/** Waits for a run to end; what `getRun` says then. */
export function ended(page: Page, runId: string) {
  return page.evaluate((id) => window.stepwell.waitForRun(id, { timeout: '20s' }), runId)
}

export function runOf(page: Page, runId: string) {
  return page.evaluate((id) => window.stepwell.getRun(id), runId)
}

/** The types of a run's events, in order. */
export function eventTypes(page: Page, runId: string): Promise<string[]> {
  return page.evaluate(
    (id) =>
      window.events
        .filter((event) => 'runId' in event && event.runId === id)
        .map(({ type }) => type),
    runId,
  )
}

/** Waits until an event of that type was told for the run. */
export async function sawEvent(page: Page, runId: string, type: string): Promise<void> {
  await page.waitForFunction(
    ([id, wanted]) =>
      window.events.some(
        (event) => event.type === wanted && 'runId' in event && event.runId === id,
      ),
    [runId, type] as const,
  )
}

/** Nothing may fail behind a test's back. */
export async function expectNothingUnhandled(page: Page): Promise<void> {
  expect(await page.evaluate(() => window.unhandled)).toEqual([])
}
