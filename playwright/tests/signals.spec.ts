// ACCEPTANCE G2: signals.
import { expect, test } from '../support/fixtures.js'
import { ended, ready, runOf } from '../support/page.js'
import { cancel, passThroughASlot, signal, stepsOf, trigger, waiting } from '../support/runs.js'

for (const executor of ['worker', 'page'] as const) {
  test(`a signal ends a wait for it, and its value is given to the function where it was: jobs in the ${executor}`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage({ executor, concurrency: 1 })
    const id = await trigger(page, 'approval', { key })
    const own = `${id}:approved`
    expect(await waiting(page, id)).toEqual({
      kind: 'signal',
      stepName: 'approved',
      key: own,
      until: null,
    })
    await passThroughASlot(page)
    expect(await signal(page, own, { by: ['me', 1, null] })).toBe('delivered')
    expect(await ended(page, id)).toMatchObject({
      status: 'completed',
      output: { received: true, value: '{by:["me",1,null]}' },
    })
    expect(server.witness.counts(`${key}/`)).toEqual({ [`${key}/code`]: 1, [`${key}/ask`]: 1 })
    expect((await stepsOf(page, id)).get('approved')).toMatchObject({
      kind: 'signal',
      status: 'completed',
      output: { by: ['me', 1, null] },
    })
  })
}

test('a signal that comes before the wait is kept and delivered once; the first wins; then the key is free', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const options = { key: `${key}-word` }
  expect(await signal(page, options.key, 'first')).toBe('kept')
  expect(await signal(page, options.key, 'second')).toBe('ignored')
  const one = await trigger(page, 'approval', { key, options })
  expect(await ended(page, one)).toMatchObject({ output: { received: true, value: '"first"' } })
  const two = await trigger(page, 'approval', { key, options })
  expect(await waiting(page, two)).toMatchObject({ kind: 'signal', key: options.key })
  expect(await signal(page, options.key, 'third')).toBe('delivered')
  expect(await ended(page, two)).toMatchObject({ output: { received: true, value: '"third"' } })
  expect(await signal(page, options.key, 'fourth')).toBe('kept')
})

test('early signals and open waits survive a reload', async ({ openPage, key, server }) => {
  const page = await openPage()
  const early = { key: `${key}-early` }
  const late = { key: `${key}-late` }
  const waits = await trigger(page, 'approval', { key, options: late })
  await waiting(page, waits)
  expect(await signal(page, early.key, 1)).toBe('kept')
  await page.reload()
  await ready(page)
  expect(await waiting(page, waits)).toMatchObject({ kind: 'signal', key: late.key })
  expect(await signal(page, late.key, 2)).toBe('delivered')
  expect(await ended(page, waits)).toMatchObject({ output: { received: true, value: '2' } })
  expect(server.witness.count(`${key}/ask`)).toBe(1)
  const second = await trigger(page, 'approval', { key: `${key}-b`, options: early })
  expect(await ended(page, second)).toMatchObject({ output: { received: true, value: '1' } })
})

test('a signalled error is thrown by the wait, early or late', async ({ openPage, key }) => {
  const page = await openPage()
  const send = (to: string) =>
    page.evaluate(
      (to) =>
        window.stepwell.signal(to, new TypeError('refused', { cause: new Error('too dear') })),
      to,
    )
  const error = {
    name: 'TypeError',
    message: 'refused',
    stepName: 'approved',
    causes: [{ name: 'Error', message: 'too dear' }],
  }
  const late = await trigger(page, 'approval', { key: `${key}-late` })
  await waiting(page, late)
  expect(await send(`${late}:approved`)).toEqual({ disposition: 'delivered' })
  expect(await ended(page, late)).toMatchObject({ status: 'failed', error })
  expect(await send(`${key}-word`)).toEqual({ disposition: 'kept' })
  const early = await trigger(page, 'approval', { key, options: { key: `${key}-word` } })
  expect(await ended(page, early)).toMatchObject({ status: 'failed', error })
})

test('a wait for a signal that does not come in time has a result that says so, over a reload too', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const short = await trigger(page, 'approval', { key: `${key}-a`, options: { timeout: 200 } })
  const output = { received: false, reason: 'timeout' }
  expect(await ended(page, short)).toMatchObject({ status: 'completed', output })
  expect(await signal(page, `${short}:approved`, 'late')).toBe('kept')

  const long = await trigger(page, 'approval', { key: `${key}-b`, options: { timeout: 2_000 } })
  expect(await waiting(page, long)).toMatchObject({ kind: 'signal', until: expect.any(Number) })
  // However long the reload takes, this one still waits after it.
  const longest = await trigger(page, 'approval', { key: `${key}-c`, options: { timeout: '1h' } })
  const before = await waiting(page, longest)
  expect(before).toMatchObject({ kind: 'signal', until: expect.any(Number) })
  await page.reload()
  await ready(page)
  expect(await waiting(page, longest)).toEqual(before)
  expect(await ended(page, long)).toMatchObject({ status: 'completed', output })
})

test('a second wait for a key that another one waits for is a conflict that names it', async ({
  openPage,
  key,
}) => {
  const page = await openPage()
  const options = { key: `${key}-word` }
  const first = await trigger(page, 'approval', { key: `${key}-a`, options })
  await waiting(page, first)
  const second = await trigger(page, 'approval', { key: `${key}-b`, options })
  expect(await ended(page, second)).toMatchObject({
    status: 'failed',
    error: {
      code: 'conflict',
      stepName: 'approved',
      message: expect.stringContaining(options.key),
    },
  })
  expect(await signal(page, options.key, 1)).toBe('delivered')
  expect(await ended(page, first)).toMatchObject({ status: 'completed' })
})

test('a run that is cancelled while it waits frees its key', async ({ openPage, key }) => {
  const page = await openPage()
  const options = { key: `${key}-word` }
  const first = await trigger(page, 'approval', { key: `${key}-a`, options })
  await waiting(page, first)
  await cancel(page, first)
  const second = await trigger(page, 'approval', { key: `${key}-b`, options })
  await waiting(page, second)
  expect(await signal(page, options.key, 1)).toBe('delivered')
  expect(await ended(page, second)).toMatchObject({ status: 'completed' })
  expect(await runOf(page, first)).toMatchObject({ status: 'cancelled' })
})

for (const storage of ['opfs', 'memory'] as const) {
  test(`files and bytes in a signal, kept and delivered: ${storage}`, async ({ openPage, key }) => {
    const page = await openPage({ storage })
    const send = (to: string) =>
      page.evaluate(
        (to) =>
          window.stepwell.signal(to, {
            file: new File(['hello'], 'a.txt', { type: 'text/plain', lastModified: 5 }),
            bytes: Uint8Array.of(1, 2),
          }),
        to,
      )
    const value = '{file:File(a.txt,text/plain,5,hello),bytes:bytes(1,2)}'
    const late = await trigger(page, 'approval', { key })
    await waiting(page, late)
    await send(`${late}:approved`)
    expect(await ended(page, late)).toMatchObject({ output: { received: true, value } })
    await send(`${key}-word`)
    if (storage === 'opfs') {
      await page.reload()
      await ready(page)
    }
    const early = await trigger(page, 'approval', { key, options: { key: `${key}-word` } })
    expect(await ended(page, early)).toMatchObject({ output: { received: true, value } })
  })
}

test('more runs wait than functions are kept in memory: all go on, those that were dropped from their start', async ({
  openPage,
}) => {
  test.setTimeout(60_000)
  const page = await openPage({ concurrency: 16, durability: 'relaxed' })
  const outputs = await page.evaluate(async () => {
    const { stepwell } = window
    let waits = 0
    const allWait = new Promise<void>((resolve) => {
      stepwell.on('run:wait', () => {
        waits += 1
        if (waits === 1_020) resolve()
      })
    })
    const ids: string[] = []
    for (let made = 0; made < 1_020; made += 510) {
      const batch = Array.from({ length: 510 }, () => ({ input: {} }))
      ids.push(...(await stepwell.batchTrigger('listening', batch)).map(({ id }) => id))
    }
    await allWait
    // In parts: a client has a bound on what it asks at once.
    for (let from = 0; from < ids.length; from += 500) {
      const part = ids.slice(from, from + 500)
      await Promise.all(part.map((id, i) => stepwell.signal(`${id}:answer`, from + i)))
    }
    const runs: { status: string; output?: unknown }[] = []
    for (let from = 0; from < ids.length; from += 500) {
      const part = ids.slice(from, from + 500).map((id) => stepwell.waitForRun(id))
      runs.push(...(await Promise.all(part)))
    }
    return runs.map(({ output }) => output)
  })
  expect(outputs).toEqual(outputs.map((_, value) => ({ value, starts: expect.any(Number) })))
  const replayed = outputs.filter((output) => JSON.stringify(output).includes('"starts":2'))
  expect(replayed).toHaveLength(20)
})

test('what is wrong with a signal is told, and nothing is kept', async ({ openPage, key }) => {
  const page = await openPage()
  const refused = await page.evaluate(
    (key) =>
      Promise.all([
        window.outcome(window.stepwell.signal('', 1)),
        window.outcome(window.stepwell.signal('x'.repeat(513), 1)),
        window.outcome(window.stepwell.signal(`${key}-word`, { when: new Date() })),
      ]),
    key,
  )
  expect(refused).toMatchObject([
    { ok: false, code: 'invalid_input', message: expect.stringContaining('key') },
    { ok: false, code: 'invalid_input', message: expect.stringContaining('512') },
    { ok: false, code: 'not_serializable', message: expect.stringContaining('when') },
  ])
  expect(await signal(page, `${key}-word`, 1)).toBe('kept')
})
