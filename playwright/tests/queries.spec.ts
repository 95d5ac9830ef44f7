// ACCEPTANCE A6, B2, D3: finding runs and reading logs.
import { expect, test } from '../support/fixtures.js'
import { ended, triggerSteps } from '../support/page.js'

test('getRuns by labels: all of them must match, on every page', async ({ openPage }) => {
  const page = await openPage({ concurrency: 8 })
  const found = await page.evaluate(async () => {
    const tenants = ['a', 'b', 'a', 'a', 'b', 'a']
    const items = tenants.map((tenant, i) => ({
      input: { count: 1 },
      labels: { tenant, even: `${i % 2 === 0}`, ...(i === 3 ? { special: '' } : {}) },
    }))
    const made = (await window.stepwell.batchTrigger('quick', items)).map(({ id }) => id)
    const indices = async (filter: Parameters<typeof window.stepwell.getRuns>[0]) => {
      const page = await window.stepwell.getRuns(filter)
      return { indices: page.runs.map(({ id }) => made.indexOf(id)), next: page.nextCursor }
    }
    const first = await indices({ labels: { tenant: 'a' }, limit: 3 })
    return {
      tenant: (await indices({ labels: { tenant: 'a' } })).indices,
      both: (await indices({ labels: { tenant: 'a', even: 'true' } })).indices,
      empty: (await indices({ labels: { special: '' } })).indices,
      none: (await indices({ labels: { tenant: 'c' } })).indices,
      otherJob: (await indices({ labels: { tenant: 'a' }, job: 'extra' })).indices,
      first: first.indices,
      second: (await indices({ labels: { tenant: 'a' }, limit: 3, cursor: first.next ?? '-' }))
        .indices,
    }
  })
  expect(found).toEqual({
    tenant: [5, 3, 2, 0],
    both: [2, 0],
    empty: [3],
    none: [],
    otherJob: [],
    first: [5, 3, 2],
    second: [0],
  })
})

test('getRuns by labels and status together, while runs move on', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  await triggerSteps(page, { key, count: 1, gateAt: 0 })
  await server.gate(key).reached()
  const counts = () =>
    page.evaluate(async () => {
      const labels = { tenant: 'a' }
      const count = async (status: 'pending' | 'completed') =>
        (await window.stepwell.getRuns({ labels, status })).runs.length
      return [await count('pending'), await count('completed')]
    })
  const ids = await page.evaluate(async () => {
    const item = { input: { count: 1 }, labels: { tenant: 'a' } }
    const made = await window.stepwell.batchTrigger('quick', [item, item])
    return made.map(({ id }) => id)
  })
  expect(await counts()).toEqual([2, 0])
  server.gate(key).open()
  await ended(page, ids[1] ?? '')
  expect(await counts()).toEqual([0, 2])
})

test('getRuns by time: from a moment on, and before one', async ({ openPage }) => {
  const page = await openPage()
  const found = await page.evaluate(async () => {
    const made: { id: string; at: number }[] = []
    for (let i = 0; i < 4; i++) {
      const { run } = await window.stepwell.trigger('quick', { count: 1 })
      made.push({ id: run.id, at: run.createdAt })
      while (Date.now() <= run.createdAt) await new Promise((resolve) => setTimeout(resolve))
    }
    const [, second, third] = made
    if (second === undefined || third === undefined) throw new Error('too few')
    const indices = async (filter: Parameters<typeof window.stepwell.getRuns>[0]) =>
      (await window.stepwell.getRuns(filter)).runs.map(({ id }) =>
        made.findIndex((each) => each.id === id),
      )
    return {
      after: await indices({ createdAfter: second.at }),
      before: await indices({ createdBefore: new Date(second.at) }),
      between: await indices({ createdAfter: new Date(second.at), createdBefore: third.at + 1 }),
      never: await indices({ createdAfter: third.at, createdBefore: third.at }),
    }
  })
  expect(found).toEqual({ after: [3, 2, 1], before: [0], between: [2, 1], never: [] })
})

test('getLogs reads forward and backward, page by page, and by level', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const id = await page.evaluate(async (key) => {
    const { id } = await window.stepwell.trigger('logging', { key, lines: 40 })
    await window.stepwell.waitForRun(id)
    return id
  }, key)
  const read = (order: 'asc' | 'desc') =>
    page.evaluate(
      async ([id, order]) => {
        const messages: string[] = []
        let sizes = ''
        for (let cursor: number | null | undefined; cursor !== null; ) {
          const filter = { order, limit: 17, ...(cursor === undefined ? {} : { cursor }) }
          const page = await window.stepwell.getLogs(id, filter)
          messages.push(...page.logs.map(({ message }) => message))
          sizes += `${page.logs.length} `
          cursor = page.nextCursor
        }
        return { messages, sizes }
      },
      [id, order] as const,
    )
  const lines = Array.from({ length: 40 }, (_, i) => `line ${i}`)
  const all = ['before', 'd', 'i', 'w', 'e', ...lines, 'after']
  expect(await read('asc')).toEqual({ messages: all, sizes: '17 17 12 ' })
  expect(await read('desc')).toEqual({ messages: [...all].reverse(), sizes: '17 17 12 ' })
  const loud = await page.evaluate(
    async (id) => (await window.stepwell.getLogs(id, { level: 'warn', order: 'desc' })).logs,
    id,
  )
  expect(loud.map(({ message }) => message)).toEqual(['after', 'e', 'w'])
  expect(await page.evaluate(async (id) => (await window.stepwell.getRun(id))?.logCount, id)).toBe(
    all.length,
  )
})
