/** What the tests share that kill a browser again and again, and judge its lives by the witness. */
import type { BrowserContext, Page } from '@playwright/test'
import type { TestServer } from '../server/server.mjs'
import { addressOf } from './fixtures.js'

/** A page of two slots, which tells the witness `<key>/ack/<step>` of each commit that it is told of. */
export async function openIn(
  context: BrowserContext,
  server: TestServer,
  key: string,
): Promise<Page> {
  const page = await context.newPage()
  const query = { acknowledge: key }
  await page.goto(addressOf(server.origin, key, { concurrency: 2, query }))
  // Commands connect the client.
  await page.evaluate(() => window.stepwell.getRuns({ limit: 1 }))
  return page
}

/** The one place where time is let go by: the moment of death is to be random. */
export function passes(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** The steps whose bodies came to the witness after the page was told of their commit. A step's name ends in a number. */
export function* ranAfterAcknowledgement(
  server: TestServer,
  acknowledged: string,
  ran: string,
): Generator<string> {
  const numberOf = (arrival: string) => arrival.slice(arrival.search(/\d+$/))
  const acknowledgedAt = new Map<string, number>()
  for (const { key, at } of server.witness.arrivals(acknowledged)) {
    if (!acknowledgedAt.has(numberOf(key))) acknowledgedAt.set(numberOf(key), at)
  }
  for (const { key, at } of server.witness.arrivals(ran)) {
    const told = acknowledgedAt.get(numberOf(key)) ?? Number.POSITIVE_INFINITY
    if (told <= at) yield `${key} ran after the page was told of its commit`
  }
}
