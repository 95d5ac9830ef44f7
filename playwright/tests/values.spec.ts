// ACCEPTANCE C3: binary values, Blobs and Files are stored as they are, and come back as what they were.
import { utimesSync, writeFileSync } from 'node:fs'
import type { Page } from '@playwright/test'
import { expect, test } from '../support/fixtures.js'
import { mainThreadTasks } from '../support/main-thread.js'
import { blobFiles } from '../support/opfs.js'
import { ended, expectNothingUnhandled, ready, runOf } from '../support/page.js'

function triggerKept(page: Page, key: string): Promise<string> {
  return page.evaluate(async (key) => {
    const file = new File(['hello'], 'a "b" é.txt', { type: 'text/plain', lastModified: 12345 })
    const blob = new Blob(['{}'], { type: 'application/json' })
    const list = [Uint8Array.of(0, 35, 10, 255), Uint8Array.of(7, 8).buffer]
    const input = { key, file, blob, list }
    return (await window.stepwell.trigger('kept', input)).id
  }, key)
}

/** A run's input without its key, its output, and the outputs of its steps. */
function describeRun(page: Page, runId: string) {
  return page.evaluate(async (id) => {
    const run = await window.stepwell.getRun(id)
    if (run === null || run.jobName !== 'kept') throw new Error('no such run')
    const { key: _key, ...input } = run.input
    const steps = await window.stepwell.getSteps(id, { outputs: true })
    return {
      input: await window.describe(input),
      output: await window.describe(run.output),
      steps: await Promise.all(steps.map(({ output }) => window.describe(output))),
    }
  }, runId)
}

const INPUT =
  '{file:File(a "b" é.txt,text/plain,12345,hello),blob:Blob(application/json,{}),list:[bytes(0,35,10,255),buffer(7,8)]}'
const MADE =
  'head:bytes(104,101),copy:File(copy.txt,text/x-copy,5,heé),nested:[{png:Blob(image/png,\u0000#\n)}]'

for (const storage of ['opfs', 'memory'] as const) {
  for (const executor of ['worker', 'page'] as const) {
    test(`bytes, Blobs and Files in an input and an output: ${storage}, jobs in the ${executor}`, async ({
      openPage,
      key,
      server,
    }) => {
      const page = await openPage({ storage, executor })
      const id = await triggerKept(page, key)
      server.gate(key).open()
      expect(await ended(page, id)).toMatchObject({ status: 'completed' })
      expect(await describeRun(page, id)).toEqual({
        input: INPUT,
        output: `{${MADE},note:"ended"}`,
        steps: [`{${MADE}}`, undefined],
      })
      const logs = await page.evaluate(async (id) => {
        const told = window.events.flatMap((event) => (event.type === 'log:write' ? event.log : []))
        const { logs: stored } = await window.stepwell.getLogs(id)
        return window.describe([told, stored].map((lines) => lines.map(({ data }) => data)))
      }, id)
      expect(logs).toBe('[[{head:bytes(104,101)}],[{head:bytes(104,101)}]]')
      await expectNothingUnhandled(page)
    })
  }
}

test('after a reload the job sees the same values again, and so does the page', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await triggerKept(page, key)
  await server.gate(key).reached()
  await page.reload()
  await server.gate(key).reached(2)
  server.gate(key).open()
  expect(await ended(page, id)).toMatchObject({ status: 'completed' })
  expect(server.witness.counts(`${key}/`)).toEqual({
    [`${key}/make`]: 1,
    [`${key}/saw/[${INPUT},{${MADE}}]`]: 2,
    [`${key}/wait`]: 2,
  })
  expect(await describeRun(page, id)).toMatchObject({
    input: INPUT,
    steps: [`{${MADE}}`, undefined],
  })
})

const RICH_MADE =
  '{later:Date(6),byId:Map[["a",Set[1,2]]],big:1180591620717411303424n,none:undefined,file:File(x.txt,,7,x),bytes:bytes(1,2)}'

for (const executor of ['worker', 'page'] as const) {
  test(`superjson: what JSON does not have comes back, beside a file; jobs in the ${executor}`, async ({
    openPage,
    key,
    server,
  }) => {
    const page = await openPage({ page: 'rich.html', executor })
    const id = await page.evaluate(async (key) => {
      const file = new File(['x'], 'x.txt', { lastModified: 7 })
      return (await window.stepwell.trigger('rich', { key, at: new Date(5), file })).id
    }, key)
    await server.gate(key).reached()
    await page.reload()
    await server.gate(key).reached(2)
    server.gate(key).open()
    await ended(page, id)
    expect(server.witness.counts(`${key}/`)).toEqual({
      [`${key}/make`]: 1,
      [`${key}/saw/[Date(5),${RICH_MADE}]`]: 2,
      [`${key}/wait`]: 2,
    })
    const seen = await page.evaluate(async (id) => {
      const run = await window.stepwell.getRun(id)
      const { logs } = await window.stepwell.getLogs(id)
      return {
        output: await window.describe(run?.output),
        log: await window.describe(logs[0]?.data),
      }
    }, id)
    expect(seen).toEqual({ output: RICH_MADE, log: '{later:Date(6)}' })
  })
}

test('a value of a serializer that a page does not have is a clear error there', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage({ page: 'rich.html' })
  server.gate(key).open()
  const id = await page.evaluate(async (key) => {
    const input = { key, at: new Date(5), file: new File(['x'], 'x.txt') }
    return (await window.stepwell.triggerAndWait('rich', input)).id
  }, key)
  await page.close()
  const other = await openPage()
  const outcome = await other.evaluate((id) => window.outcome(window.stepwell.getRun(id)), id)
  expect(outcome).toMatchObject({
    ok: false,
    code: 'invalid_input',
    message: expect.stringMatching(/made by the serializer "custom", and there is none here/),
  })
})

test('files are deleted with their run', async ({ openPage, key, server }) => {
  const page = await openPage()
  server.gate(key).open()
  const [doomed, other] = [await triggerKept(page, key), await triggerKept(page, key)]
  await ended(page, doomed)
  await ended(page, other)
  // Two of the input, two of the step's output, which the run's output only names again.
  expect(await blobFiles(page, key)).toHaveLength(8)
  await page.evaluate((id) => window.stepwell.deleteRun(id), doomed)
  await expect.poll(() => blobFiles(page, key)).toHaveLength(4)
  expect(await runOf(page, doomed)).toBeNull()
  expect(await describeRun(page, other)).toMatchObject({ input: INPUT })
})

test('a trigger that makes no run leaves no file', async ({ openPage, key }) => {
  const page = await openPage({ concurrency: 1 })
  const outcomes = await page.evaluate(async (key) => {
    const input = { key, bytes: 1, file: new File(['x'], 'x.txt') }
    const trigger = (options: object) =>
      window.outcome(
        window.stepwell.trigger('producing', input, options).then(({ disposition }) => disposition),
      )
    const first = await trigger({ idempotencyKey: 'i', concurrencyKey: 'c', delay: '1h' })
    const again = await trigger({ idempotencyKey: 'i' })
    const skipped = await trigger({ concurrencyKey: 'c', coalesce: 'skip' })
    const refused = await trigger({ concurrencyKey: 'c' })
    return [first, again, skipped, refused]
  }, key)
  expect(outcomes).toMatchObject([
    { value: 'created' },
    { value: 'idempotent' },
    { value: 'coalesced' },
    { code: 'conflict' },
  ])
  await expect.poll(() => blobFiles(page, key)).toHaveLength(1)
})

test('a run that is triggered again has files of its own', async ({ openPage, key, server }) => {
  const page = await openPage()
  server.gate(key).open()
  const old = await triggerKept(page, key)
  await ended(page, old)
  const id = await page.evaluate(async (old) => {
    const { id } = await window.stepwell.retrigger(old)
    await window.stepwell.waitForRun(id)
    await window.stepwell.deleteRun(old)
    return id
  }, old)
  await expect.poll(() => blobFiles(page, key)).toHaveLength(4)
  expect(await describeRun(page, id)).toMatchObject({
    input: INPUT,
    steps: [`{${MADE}}`, undefined],
  })
})

test('a file that is not there any more is not_found', async ({ openPage, key, server }) => {
  const page = await openPage()
  server.gate(key).open()
  const id = await triggerKept(page, key)
  await ended(page, id)
  await page.evaluate(async (database) => {
    const root = await navigator.storage.getDirectory()
    const folder = await root.getDirectoryHandle(`stepwell-${database}`)
    await folder.removeEntry('blobs', { recursive: true })
  }, key)
  const outcome = await page.evaluate((id) => window.outcome(window.stepwell.getRun(id)), id)
  expect(outcome).toMatchObject({
    ok: false,
    code: 'not_found',
    message: expect.stringMatching(/The file "a \\"b\\" é\.txt".*deleted/),
  })
})

test('files to which no run refers are swept after a start, and others are not', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  server.gate(key).open()
  const id = await triggerKept(page, key)
  await ended(page, id)
  const stored = await blobFiles(page, key)
  // From a page without an engine, which sweeps two seconds after it was opened.
  const address = page.url()
  await page.goto(new URL('/plain', address).href)
  await page.evaluate(async (database) => {
    const root = await navigator.storage.getDirectory()
    const folder = await root.getDirectoryHandle(`stepwell-${database}`)
    const files = await folder.getDirectoryHandle('blobs')
    for (const name of ['orphan-1', 'orphan-2']) await files.getFileHandle(name, { create: true })
  }, key)
  expect(await blobFiles(page, key)).toHaveLength(stored.length + 2)
  await page.goto(address)
  await ready(page)
  await expect.poll(async () => (await blobFiles(page, key)).sort()).toEqual(stored.sort())
  expect(await describeRun(page, id)).toMatchObject({ input: INPUT })
})

for (const how of ['panic', 'terminate'] as const) {
  test(`a ${how} while a File is stored: one run, one file, whole`, async ({ openPage, key }) => {
    const page = await openPage()
    await ready(page)
    const { id, size, sizeAtCrash } = await page.evaluate(
      async ({ how, key }) => {
        const bytes = new Uint8Array(100 * 1024 * 1024)
        bytes.set([1, 2, 3, 4], bytes.length - 4)
        const triggered = window.stepwell.trigger('measured', { file: new File([bytes], 'a.bin') })
        const root = await navigator.storage.getDirectory()
        const folder = await root.getDirectoryHandle(`stepwell-${key}`)
        let sizeAtCrash = 0
        while (sizeAtCrash === 0) {
          const files = await folder.getDirectoryHandle('blobs', { create: true })
          for await (const handle of files.values()) {
            if (handle instanceof FileSystemFileHandle) sizeAtCrash = (await handle.getFile()).size
          }
        }
        await window.crash(how)
        return { id: (await triggered).id, size: bytes.length, sizeAtCrash }
      },
      { how, key },
    )
    expect(sizeAtCrash).toBeLessThan(size)
    expect(await ended(page, id)).toMatchObject({ status: 'completed', output: { size } })
    const tail = await page.evaluate(async (id) => {
      const run = await window.stepwell.getRun(id)
      return window.describe(run?.output)
    }, id)
    expect(tail).toBe(`{size:${size},tail:bytes(1,2,3,4)}`)
    const { runs } = await page.evaluate(() => window.stepwell.getRuns())
    expect(runs).toHaveLength(1)
    expect(await blobFiles(page, key)).toHaveLength(1)
  })
}

test('a step that returns a File while there is no engine: stored once, when it is back', async ({
  openPage,
  key,
  server,
}) => {
  const page = await openPage()
  const id = await page.evaluate(
    async (key) => (await window.stepwell.trigger('producing', { key, bytes: 1_000_000 })).id,
    key,
  )
  await server.gate(key).reached()
  const crashed = page.evaluate(() => window.crash('terminate'))
  server.gate(key).open()
  await crashed
  expect(await ended(page, id)).toMatchObject({ status: 'completed', output: 1_000_000 })
  expect(server.witness.counts(`${key}/`)).toEqual({ [`${key}/produce`]: 1, [`${key}/after`]: 1 })
  expect(await blobFiles(page, key)).toHaveLength(1)
})

test('a file that changed on the disk since it was chosen is refused by name', async ({
  openPage,
  key,
}, testInfo) => {
  const page = await openPage()
  await ready(page)
  const file = await chooseFile(page, testInfo.outputPath('chosen.csv'), 'a,b')
  // Chromium takes note of a file's time when it is first read, and not when it is chosen.
  const size = await page.evaluate(async () => {
    const bytes = await document.querySelector('input')?.files?.[0]?.arrayBuffer()
    return bytes?.byteLength
  })
  expect(size).toBe(3)
  writeFileSync(file, 'something longer')
  // Chromium compares times in whole seconds.
  const later = Date.now() / 1000 + 60
  utimesSync(file, later, later)
  const outcome = await page.evaluate(async () => {
    const file = document.querySelector('input')?.files?.[0]
    if (file === undefined) throw new Error('nothing was chosen')
    return window.outcome(window.stepwell.trigger('measured', { file }))
  })
  expect(outcome).toMatchObject({
    ok: false,
    code: 'invalid_input',
    message: expect.stringMatching(/"chosen\.csv" cannot be read/),
  })
  expect(await page.evaluate(() => window.stepwell.getRuns())).toMatchObject({ runs: [] })
  await expect.poll(() => blobFiles(page, key)).toEqual([])
})

/** Chooses a file of the disk, as a user does. */
async function chooseFile(page: Page, file: string, content: string | Uint8Array): Promise<string> {
  writeFileSync(file, content)
  await page.evaluate(() => {
    const input = document.createElement('input')
    input.type = 'file'
    document.body.append(input)
  })
  await page.setInputFiles('input', file)
  return file
}

test('200 MB cross without a long task, and other runs go on meanwhile', async ({
  launchBrowser,
  profile,
  address,
}, testInfo) => {
  const context = await launchBrowser(profile)
  const page = await context.newPage()
  await page.goto(address({ concurrency: 2 }))
  await ready(page)
  const content = Buffer.alloc(200 * 1024 * 1024)
  content.write('tail', content.length - 4)
  await chooseFile(page, testInfo.outputPath('large.bin'), content)
  const cross = () =>
    page.evaluate(async () => {
      const file = document.querySelector('input')?.files?.[0]
      if (file === undefined) throw new Error('nothing was chosen')
      let isStored = false
      const triggered = window.stepwell.trigger('measured', { file }).then(({ id }) => {
        isStored = true
        return id
      })
      const quick = await window.stepwell.triggerAndWait('quick', { count: 3 })
      const wasStoredFirst = isStored
      const run = await window.stepwell.waitForRun(await triggered)
      return { quick: quick.output, wasStoredFirst, output: await window.describe(run.output) }
    })
  let told: Awaited<ReturnType<typeof cross>> | undefined
  const tasks = await mainThreadTasks(page, async () => {
    told = await cross()
  })
  expect(tasks.count).toBeGreaterThan(0)
  expect(tasks.longest[0]).toBeLessThanOrEqual(50)
  expect(told).toEqual({
    quick: 3,
    wasStoredFirst: false,
    output: `{size:${content.length},tail:bytes(${[...Buffer.from('tail')].join()})}`,
  })
})
