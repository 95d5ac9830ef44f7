/** A client before its runtime is there: nothing is lost, nothing is sent twice, and what cannot be loaded is told. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { checkConfig } from '../src/client/config.js'
import { createClient } from '../src/client/create.js'
import { createFront, type Page } from '../src/client/front.js'
import type { Runtime } from '../src/client/runtime.js'
import type { Command, Reply } from '../src/generated/protocol.js'
import { observeJob, observeLogs, observeRun, observeRuns } from '../src/index.js'
import { defineJob } from '../src/job.js'
import { codeOf, scriptedClient, settled } from './scripted-client.js'
import { eventHead, scriptedConnection } from './scripted-connection.js'
import { scriptedRuntime } from './scripted-front.js'

const greet = defineJob({ name: 'greet', run: (_step, name: string) => `Hi ${name}` })
const jobs = { greet }

beforeEach(() => {
  vi.stubGlobal('document', { visibilityState: 'visible' })
  vi.stubGlobal('Worker', class {})
  const page = new EventTarget()
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
  vi.stubGlobal('dispatchEvent', page.dispatchEvent.bind(page))
})
afterEach(() => {
  vi.unstubAllGlobals()
})

/** A client whose runtime comes, or does not, when the test says so. */
function late(start: (page: Page) => Runtime) {
  const loads: { resolve(): void; reject(reason: unknown): void }[] = []
  const front = createFront(checkConfig({ jobs }), () => {
    return new Promise((resolve, reject) => {
      loads.push({ resolve: () => resolve({ startRuntime: start }), reject })
    })
  })
  return {
    client: createClient(front),
    /** How often it was asked for. */
    loads: () => loads.length,
    async arrive() {
      loads.at(-1)?.resolve()
      await settled()
    },
    async fail() {
      loads.at(-1)?.reject(new TypeError('Failed to fetch'))
      await settled()
    },
  }
}

/** On an engine that knows these answers. */
function lateClient(answer: (command: Command) => Reply) {
  const script = scriptedConnection(answer)
  const connect = vi.fn()
  const contexts: unknown[] = []
  let starts = 0
  const own = late(() => {
    starts += 1
    const runtime = scriptedRuntime(script, jobs)
    const setContext = (value: unknown) => void contexts.push(value)
    return { ...runtime, connection: { ...runtime.connection, connect, setContext } }
  })
  return { ...script, ...own, connect, contexts, starts: () => starts }
}

const noRun = ({ type }: Command): Reply =>
  type === 'getSteps' ? { type: 'steps', steps: [] } : { type: 'run', run: undefined }

describe('what loads the runtime', () => {
  test('creating, listening to nothing and observing without a subscriber do not', () => {
    const { client, loads } = lateClient(noRun)
    expect(client.status.state).toBe('connecting')
    client.setContext({ token: 'x' })
    client.subscribe('run-1')
    observeJob(client, greet).get()
    observeRun(client, 'run-1').get()
    expect(loads()).toBe(0)
  })

  test.each<[string, (client: ReturnType<typeof createClient>) => unknown]>([
    ['a command', (client) => client.getRun('run-1')],
    ['on', (client) => client.on('*', () => undefined)],
    ['onStatus', (client) => client.onStatus(() => undefined)],
    ['a subscription that is read', (client) => client.subscribe('run-1').next()],
    ['a hook for a job', (client) => observeJob(client, greet).subscribe(() => undefined)],
    ['a hook for a run', (client) => observeRun(client, 'run-1').subscribe(() => undefined)],
    ['a hook for runs', (client) => observeRuns(client).subscribe(() => undefined)],
    ['a hook for logs', (client) => observeLogs(client, 'run-1').subscribe(() => undefined)],
  ])('%s does, at once and once', async (_what, use) => {
    const { client, loads, arrive, starts } = lateClient(noRun)
    const used = use(client)
    expect(loads()).toBe(1)
    client.onStatus(() => undefined)
    await arrive()
    client.getRun('run-1')
    expect(loads()).toBe(1)
    expect(starts()).toBe(1)
    if (used instanceof Promise) await used.catch(() => undefined)
  })

  test('on a server nothing does but a command, which is checked first', async () => {
    vi.unstubAllGlobals()
    const { client, loads, arrive, connect } = lateClient(noRun)
    client.on('*', () => undefined)
    client.onStatus(() => undefined)
    observeRun(client, 'run-1').subscribe(() => undefined)
    expect(loads()).toBe(0)
    const asked = codeOf(client.getRun(''))
    await arrive()
    expect(await asked).toBe('invalid_input')
    expect(connect).not.toHaveBeenCalled()
  })
})

describe('while it is loaded', () => {
  test('commands wait, and go out in the order of their calls', async () => {
    const { client, sent, arrive } = lateClient(noRun)
    const asked = [client.getRun('run-1'), client.cancel('run-2'), client.getRun('run-3')]
    expect(sent).toEqual([])
    // One that comes at the very moment does not overtake them.
    client['~core'].onRuntime(() => void client.getRun('run-4'))
    await arrive()
    const ids = sent.map((command) => 'runId' in command && command.runId)
    expect(ids).toEqual(['run-1', 'run-2', 'run-3', 'run-4'])
    expect(await Promise.all(asked.map(codeOf))).toEqual(['resolved', 'not_found', 'resolved'])
  })

  test('the context is kept, as a copy', async () => {
    const { client, contexts, arrive } = lateClient(noRun)
    const context = { token: 'first' }
    client.setContext(context)
    context.token = 'changed'
    expect(() => client.setContext({ call: () => 1 })).toThrow(/context.call is a function/)
    client.onStatus(() => undefined)
    await arrive()
    expect(contexts).toEqual([{ token: 'first' }])
    client.setContext('second')
    expect(contexts).toEqual([{ token: 'first' }, 'second'])
  })

  test('close rejects what waits at once, and nothing starts', async () => {
    const { client, sent, arrive, starts } = lateClient(noRun)
    const waiting = codeOf(client.getRun('run-1'))
    await client.close()
    expect(await waiting).toBe('closed')
    expect(client.status.state).toBe('closed')
    await arrive()
    expect(starts()).toBe(0)
    expect(await codeOf(client.getRun('run-1'))).toBe('closed')
    expect(() => client.setContext(1)).toThrow(/was closed/)
    expect(sent).toEqual([])
  })

  test('a subscription that is left never begins', async () => {
    const { client, sent, arrive } = lateClient(noRun)
    const left = client.subscribe('run-1')
    const next = left.next()
    expect(await left.return()).toEqual({ done: true, value: undefined })
    await arrive()
    expect(await next).toEqual({ done: true, value: undefined })
    expect(sent).toEqual([])
    expect(await codeOf(client.subscribe('run-1').next())).toBe('not_found')
  })
})

describe('hooks', () => {
  /** A client on an engine with one active run. */
  function lateHooks() {
    const engine = scriptedClient(jobs)
    const id = engine.trigger({ jobName: 'greet', status: 'pending', input: '"Ada"' })
    const { runtime } = engine.client['~core']
    if (runtime === null) throw new Error('no runtime')
    return { engine, id, ...late(() => runtime) }
  }

  test('useJob is pending from its trigger on, and keeps its functions', async () => {
    const { client, engine, arrive } = lateHooks()
    const hook = observeJob(client, greet, { autoResume: false })
    hook.subscribe(() => undefined)
    const before = hook.get()
    const triggered = hook.get().trigger('Bob')
    expect(hook.get()).toMatchObject({ status: 'pending', run: null, runId: null })
    await arrive()
    const { id } = await triggered
    expect(hook.get()).toMatchObject({ status: 'pending', runId: id, run: { input: 'Bob' } })
    expect(engine.counts()).toMatchObject({ trigger: 1 })
    const { trigger, cancel, retry, reset } = hook.get()
    expect({ trigger, cancel, retry, reset }).toEqual({
      trigger: before.trigger,
      cancel: before.cancel,
      retry: before.retry,
      reset: before.reset,
    })
  })

  test('useJob finds the active run', async () => {
    const { client, id, arrive } = lateHooks()
    const hook = observeJob(client, greet)
    hook.subscribe(() => undefined)
    expect(hook.get().status).toBe('loading')
    await arrive()
    expect(hook.get()).toMatchObject({ status: 'pending', runId: id })
  })

  test('useRun and useRuns show what is read, with the functions that they had', async () => {
    const { client, id, arrive } = lateHooks()
    const [run, runs] = [observeRun(client, id), observeRuns(client)]
    const told = vi.fn()
    run.subscribe(told)
    runs.subscribe(() => undefined)
    const [loading, none] = [run.get(), runs.get()]
    expect(run.get()).toBe(loading)
    expect([loading.status, none.status]).toEqual(['loading', 'loading'])
    await none.fetchNextPage()
    await arrive()
    expect(told).toHaveBeenCalled()
    expect(run.get()).toMatchObject({ status: 'pending', run: { id }, cancel: loading.cancel })
    expect(runs.get()).toMatchObject({ status: 'ready', fetchNextPage: none.fetchNextPage })
  })

  test('one that was unmounted meanwhile is not in the way of another', async () => {
    const { client, id, arrive } = lateHooks()
    observeRun(client, id).subscribe(() => undefined)()
    const told = vi.fn()
    observeRun(client, id).subscribe(told)
    await arrive()
    expect(told).toHaveBeenCalled()
    expect(observeRun(client, id).get().status).toBe('pending')
  })
})

describe('a runtime that cannot be loaded', () => {
  const FAULT = {
    code: 'faulted',
    message: expect.stringMatching(/could not be loaded: TypeError: Failed to fetch\. Reload/),
  }

  test('rejects commands, and is told by the status and as an event', async () => {
    const { client, fail } = lateClient(noRun)
    const heard: unknown[] = []
    client.on('engine:error', (event: unknown) => heard.push(event))
    const asked = client.getRun('run-1').catch((reason: unknown) => reason)
    await fail()
    expect(await asked).toMatchObject(FAULT)
    expect(client.status).toMatchObject({ state: 'unavailable', error: FAULT })
    expect(heard).toMatchObject([{ type: 'engine:error', error: FAULT }])
  })

  test.each<[string, (client: ReturnType<typeof createClient>) => unknown]>([
    ['that a hook is mounted', (client) => observeRun(client, 'run-1').subscribe(() => undefined)],
    ['that the browser is online again', () => dispatchEvent(new Event('online'))],
  ])('is tried again upon %s', async (_what, happen) => {
    const { client, loads, fail, arrive, connect } = lateClient(noRun)
    observeRun(client, 'run-1').subscribe(() => undefined)
    await fail()
    happen(client)
    expect(loads()).toBe(2)
    expect(client.status.state).toBe('connecting')
    await arrive()
    expect(connect).toHaveBeenCalled()
    expect(observeRun(client, 'run-1').get().status).toBe('missing')
    dispatchEvent(new Event('online'))
    expect(loads()).toBe(2)
  })

  test('is tried again by the next call', async () => {
    const { client, loads, fail, arrive } = lateClient(noRun)
    client.onStatus(() => undefined)
    await fail()
    expect(loads()).toBe(1)
    const asked = client.getRun('run-1')
    expect(client.status).toMatchObject({ state: 'connecting', error: null })
    expect(loads()).toBe(2)
    await arrive()
    expect(await asked).toBeNull()
  })

  test('hooks are unavailable, say why, and go on with the next call', async () => {
    const engine = scriptedClient(jobs)
    const id = engine.trigger({ jobName: 'greet', status: 'running' })
    const { runtime } = engine.client['~core']
    if (runtime === null) throw new Error('no runtime')
    const { client, fail, arrive } = late(() => runtime)
    const job = observeJob(client, greet)
    const all = [observeRun(client, id), observeRuns(client), observeLogs(client, id), job]
    const told = all.map((observer) => {
      const listener = vi.fn()
      observer.subscribe(listener)
      return listener
    })
    for (const listener of told) listener.mockClear()
    await fail()
    for (const listener of told) expect(listener).toHaveBeenCalled()
    const shown = observeRun(client, id).get()
    expect(observeRun(client, id).get()).toBe(shown)
    for (const observer of all) {
      expect(observer.get()).toMatchObject({ status: 'unavailable', error: FAULT })
    }
    const triggered = job.get().trigger('Bob')
    await fail()
    expect(await codeOf(triggered)).toBe('faulted')
    expect(job.get()).toMatchObject({ status: 'unavailable', triggerError: FAULT })
    void client.getRun(id)
    await arrive()
    expect(observeRun(client, id).get().status).toBe('running')
    expect(observeRuns(client).get()).toMatchObject({ status: 'ready', runs: [{ id }] })
  })
})

test('a listener that was there before the runtime hears the events of runs', async () => {
  const pages: Page[] = []
  const { client, arrive } = late((page) => {
    pages.push(page)
    return scriptedRuntime(scriptedConnection(noRun), jobs)
  })
  const heard: unknown[] = []
  client.on('run:trigger', (event: unknown) => heard.push(event))
  await arrive()
  const event = { ...eventHead(1, 'pending'), type: 'run:trigger' as const }
  for (const page of pages) page.events.emit([event])
  expect(heard).toEqual([event])
})
