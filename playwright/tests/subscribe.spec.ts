// ACCEPTANCE E1, E2: one run, from its snapshot to its end.
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { ended, triggerSteps } from '../support/page.js'

/** Collects what `subscribe` tells into `window.kept`, until it ends. */
const follow = (page: Page, id: string) =>
  page.evaluate((id) => {
    const told: string[] = []
    window.kept = (async () => {
      for await (const update of window.stepwell.subscribe(id)) {
        if (update.type === 'snapshot') {
          told.push(`snapshot ${update.run.status} ${update.steps.map(({ name }) => name).join()}`)
        } else {
          told.push('stepName' in update ? `${update.type} ${update.stepName}` : update.type)
        }
        // What has come so far can be waited for.
        Reflect.set(window, 'told', told.length)
      }
      return told
    })()
  }, id)
const hasTold = (page: Page, count: number) =>
  page.waitForFunction((count) => Reflect.get(window, 'told') >= count, count)
const allTold = (page: Page): Promise<string[]> => page.evaluate(() => window.kept)

test('who subscribes to a pending run sees its whole life, in order', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  await triggerSteps(page, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('logging', { key, lines: 0 })).id,
    key,
  )
  await follow(page, id)
  await hasTold(page, 1)
  server.gate(key).open()
  const told = await allTold(page)
  expect(told).toEqual([
    'snapshot pending ',
    'run:start',
    'step:start speak',
    ...Array(5).fill('log:write'),
    'step:complete speak',
    'log:write',
    'run:complete',
  ])
})

test('who joins late gets what was, and then each event once', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await triggerSteps(page, { key, count: 4, gateAt: 2 })
  await server.gate(key).reached()
  await follow(page, id)
  await hasTold(page, 1)
  server.gate(key).open()
  expect(await allTold(page)).toEqual([
    'snapshot running s-0,s-1,s-2',
    'step:complete s-2',
    'step:start s-3',
    'step:complete s-3',
    'run:complete',
  ])
})

test('a hundred subscribers that join in the midst miss nothing and are told nothing twice', async ({
  openPage,
}) => {
  const page = await openPage()
  const problems = await page.evaluate(async () => {
    const { id } = await window.stepwell.trigger('quick', { count: 60 })
    const problems: string[] = []
    const check = async () => {
      let seen = -1
      let last = ''
      for await (const update of window.stepwell.subscribe(id)) {
        last = update.type === 'snapshot' ? update.run.status : update.type
        if (update.type === 'snapshot') seen = update.run.stepCount - 1
        if (update.type !== 'step:complete') continue
        if (update.completedIndex !== seen + 1)
          problems.push(`${update.completedIndex} after ${seen}`)
        seen = update.completedIndex
      }
      if (seen !== 59) problems.push(`ended after ${seen}`)
      if (last !== 'run:complete' && last !== 'completed') problems.push(`ended with ${last}`)
    }
    const all: Promise<void>[] = []
    for (let i = 0; i < 100; i++) {
      all.push(check())
      await window.stepwell.getRun(id)
    }
    await Promise.all(all)
    return problems
  })
  expect(problems).toEqual([])
})

for (const how of ['panic', 'terminate'] as const) {
  test(`over a ${how} of the engine comes a fresh snapshot, and then the rest`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage()
    const id = await triggerSteps(page, { key, count: 3, gateAt: 1 })
    await server.gate(key).reached()
    await follow(page, id)
    await hasTold(page, 1)
    await page.evaluate((how) => window.crash(how), how)
    await hasTold(page, 2)
    server.gate(key).open()
    const told = await allTold(page)
    expect(told[0]).toBe('snapshot running s-0,s-1')
    expect(told.slice(1).some((text) => /^snapshot \w+ s-0/.test(text))).toBe(true)
    expect(told.filter((text) => text === 'step:complete s-1')).toHaveLength(1)
    expect(told.filter((text) => text === 'step:complete s-2')).toHaveLength(1)
    expect(told.at(-1)).toBe('run:complete')
  })
}

test('an ended run is one snapshot; an unknown one is not_found; a deletion ends it', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const { id } = await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
  await follow(page, id)
  expect(await allTold(page)).toEqual(['snapshot completed q-0'])
  const unknown = await page.evaluate(() =>
    window.outcome(window.stepwell.subscribe('01900000-0000-7000-8000-000000000000').next()),
  )
  expect(unknown).toMatchObject({ ok: false, code: 'not_found' })

  const gated = await triggerSteps(page, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  const last = await page.evaluate(async (id) => {
    const subscription = window.stepwell.subscribe(id)
    const first = await subscription.next()
    await window.stepwell.cancel(id)
    const told = [first]
    while (told.at(-1)?.done !== true) told.push(await subscription.next())
    return told.map(({ value }) => (value === undefined ? 'done' : value.type))
  }, gated)
  expect(last).toEqual(['snapshot', 'step:cancel', 'run:cancel', 'done'])
  server.gate(key).open()
})

test('a caller that takes its time is told the latest progress only, and every log line', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await page.evaluate(
    async (key) =>
      (await window.stepwell.trigger('progressing', { key, times: 300, gated: true })).id,
    key,
  )
  await server.gate(key).reached()
  await page.evaluate(async (id) => {
    const subscription = window.stepwell.subscribe(id)
    await subscription.next()
    window.kept = (async () => {
      await window.stepwell.waitForRun(id)
      const told: string[] = []
      for await (const update of subscription) {
        told.push(
          update.type === 'run:progress' ? `progress ${update.progress.current}` : update.type,
        )
      }
      return told
    })()
  }, id)
  server.gate(key).open()
  const told = await allTold(page)
  expect(told.filter((text) => text.startsWith('progress'))).toEqual(['progress 300'])
  expect(told.at(-1)).toBe('run:complete')
})

test('leaving the loop unsubscribes', async ({ openPage, key, server }) => {
  const page = await openPage()
  const id = await triggerSteps(page, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  const first = await page.evaluate(async (id) => {
    const subscription = window.stepwell.subscribe(id)
    for await (const update of subscription) {
      if (update.type === 'snapshot') break
    }
    return subscription.next()
  }, id)
  expect(first).toEqual({ done: true, value: undefined })
  server.gate(key).open()
  expect(await ended(page, id)).toMatchObject({ status: 'completed' })
})
