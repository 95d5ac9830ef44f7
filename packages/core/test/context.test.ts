import { afterEach, describe, expect, test } from 'vitest'
import { cloneContext } from '../src/client/clone-context.js'
import { createContextSource, serveContext } from '../src/client/context.js'
import { isStepwellError } from '../src/errors.js'
import type { Executor } from '../src/executor/runtime.js'
import { createStepwell, defineJob } from '../src/index.js'
import {
  assign,
  gate,
  quiet,
  type ScriptedEngine,
  scriptedEngine,
  step as stored,
  welcome,
  welcomedExecutor,
} from './scripted-engine.js'

let close: (() => void)[] = []
afterEach(() => {
  for (const each of close) each()
  close = []
})

/** A page with this option `context`, and its executor. */
async function serve(jobs: object, option?: () => unknown) {
  let current = option
  let asked = 0
  const source = createContextSource(() => {
    const make = current
    return make === undefined
      ? undefined
      : () => {
          asked += 1
          return make()
        }
  })
  const { port1, port2 } = new MessageChannel()
  const line = serveContext(port1, source)
  const context = { port: port2, isUsed: source.isUsed() }
  const { executor, engine } = await welcomedExecutor(jobs, context)
  close.push(
    () => executor.close(),
    () => engine.close(),
    () => line.close(),
  )
  return {
    engine,
    executor,
    asked: () => asked,
    setContext(value: unknown) {
      source.set(value)
      line.push(value)
    },
    /** Hot reload brings this option. */
    reload(next: (() => unknown) | undefined) {
      current = next
      if (source.isUsed()) line.use()
    },
  }
}

/** Reads its context in a step, waits for a message of the test, and reads it again. */
function reading(wait: Promise<void> = Promise.resolve()) {
  return defineJob({
    name: 'job',
    run: async (step) => {
      const first = await step.run('first', () => step.context ?? null)
      await wait
      return [first, await step.run('second', () => step.context ?? null)]
    },
  })
}

/** Acknowledges both steps of `reading` and gives its output. */
async function output(engine: ScriptedEngine): Promise<unknown> {
  for (let i = 0; i < 2; i++) {
    await engine.next('stepStart')
    await engine.take('stepCommit')
  }
  const { output } = await engine.take('runComplete')
  return JSON.parse(String(output))
}

describe('step.context', () => {
  test('nothing is asked and nothing waits where the page gives nothing', async () => {
    const { engine, asked } = await serve({ job: reading() })
    engine.send(assign('job'))
    expect(await output(engine)).toEqual([null, null])
    expect(asked()).toBe(0)
  })

  test('each run gets what the function makes when it starts, and waits for a promise', async () => {
    let calls = 0
    const made = gate<unknown>()
    const { engine } = await serve({ job: reading() }, () => {
      calls += 1
      return calls === 1 ? made.promise : { token: 'second' }
    })
    engine.send(assign('job'))
    expect(await engine.rest()).toEqual([])
    made.open({ token: 'first' })
    expect(await output(engine)).toEqual([{ token: 'first' }, { token: 'first' }])
    engine.send(assign('job', { runId: 'run-2' }))
    expect(await output(engine)).toEqual([{ token: 'second' }, { token: 'second' }])
  })

  test('runs that are assigned together ask once', async () => {
    const job = defineJob({ name: 'job', run: (step) => step.context })
    const { engine, asked } = await serve({ job }, () => 'value')
    engine.send(...['a', 'b', 'c'].map((runId) => assign('job', { runId })))
    for (let i = 0; i < 3; i++) expect((await engine.take('runComplete')).output).toBe('"value"')
    expect(asked()).toBe(1)
  })

  test('a running job sees what is set, and a later run gets it', async () => {
    const set = gate()
    const { engine, setContext } = await serve({ job: reading(set.promise) })
    setContext('before')
    await quiet()
    engine.send(assign('job'))
    await engine.next('stepStart')
    await engine.take('stepCommit')
    setContext('after')
    await quiet()
    set.open()
    await engine.next('stepStart')
    expect((await engine.take('stepCommit')).output).toBe('"after"')
    expect((await engine.take('runComplete')).output).toBe('["before","after"]')
    engine.send(assign('job', { runId: 'run-2' }))
    expect(await output(engine)).toEqual(['after', 'after'])
  })

  test('a running job that began without any sees the first that is set', async () => {
    const set = gate()
    const { engine, setContext } = await serve({ job: reading(set.promise) })
    engine.send(assign('job'))
    await engine.next('stepStart')
    await engine.take('stepCommit')
    setContext('now')
    await quiet()
    set.open()
    await engine.next('stepStart')
    await engine.take('stepCommit')
    expect((await engine.take('runComplete')).output).toBe('[null,"now"]')
  })

  test('what is set while the function is at work is newer than what it makes', async () => {
    const made = gate<string>()
    const { engine, setContext } = await serve({ job: reading() }, () => made.promise)
    engine.send(assign('job'))
    await quiet()
    setContext('set')
    made.open('made')
    expect(await output(engine)).toEqual(['set', 'set'])
  })

  test('what the function makes for a later run is newer than what was set before', async () => {
    const { engine, setContext } = await serve({ job: reading() }, () => 'made')
    setContext('set')
    engine.send(assign('job'))
    expect(await output(engine)).toEqual(['made', 'made'])
  })

  test('a function that hot reload brings is asked from then on', async () => {
    const { engine, reload } = await serve({ job: reading() })
    reload(() => 'new')
    await quiet()
    engine.send(assign('job'))
    expect(await output(engine)).toEqual(['new', 'new'])
  })

  test.each([
    [
      'throws',
      () => {
        throw new TypeError('no session')
      },
    ],
    ['rejects', () => Promise.reject(new TypeError('no session'))],
  ])('a function that %s fails the run, and the next one may start', async (_how, fail) => {
    let calls = 0
    const { engine } = await serve({ job: reading() }, () => {
      calls += 1
      return calls === 1 ? fail() : 'fine'
    })
    engine.send(assign('job'))
    expect((await engine.take('runFail')).error).toMatchObject({
      name: 'ContextError',
      code: 'error',
      message: expect.stringMatching(
        /option context of createStepwell threw: TypeError: no session/,
      ),
      stepName: undefined,
    })
    engine.send(assign('job', { runId: 'run-2' }))
    expect(await output(engine)).toEqual(['fine', 'fine'])
  })

  test('what the function makes must be cloneable; the failure names the place and quotes nothing', async () => {
    const { engine } = await serve({ job: reading() }, () => ({
      user: { token: 'secret', refresh: () => 'secret' },
    }))
    engine.send(assign('job'))
    const { error } = await engine.take('runFail')
    expect(error).toMatchObject({ code: 'not_serializable' })
    expect(error.message).toMatch(
      /option context of createStepwell.*context\.user\.refresh is a function/,
    )
    expect(JSON.stringify(error)).not.toContain('secret')
  })

  describe('of a run that was parked', () => {
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        const seen = [step.context]
        await step.sleep('nap', '7d')
        seen.push(step.context)
        await step.waitForSignal('go')
        return [...seen, step.context]
      },
    })
    const nap = stored('nap', { kind: 'sleep', completedIndex: 0 })
    const go = stored('go', { kind: 'signal', completedIndex: 1 })
    const resume = { type: 'resume', runId: 'run-1', generation: 2, timeoutMs: undefined } as const
    const park = async (engine: ScriptedEngine) => {
      engine.send(assign('job'))
      await engine.take('stepWait')
      await engine.take('suspend')
    }

    test('is asked for again when it goes on, for it may have gone stale; what ends meanwhile is told after it', async () => {
      let calls = 0
      const made = gate<string>()
      const { engine } = await serve({ job }, () => {
        calls += 1
        return calls === 1 ? 'old' : made.promise
      })
      await park(engine)
      engine.send({ ...resume, steps: [nap] })
      engine.send({ type: 'resolved', runId: 'run-1', generation: 2, step: go })
      expect(await engine.rest()).toEqual([])
      made.open('new')
      expect((await engine.take('runComplete')).output).toBe('["old","new","new"]')
      expect(calls).toBe(2)
    })

    test('that cannot be had fails the run', async () => {
      let calls = 0
      const { engine } = await serve({ job }, () => {
        calls += 1
        return calls === 1 ? 'old' : Promise.reject(new Error('no session'))
      })
      await park(engine)
      engine.send({ ...resume, steps: [nap] })
      expect(await engine.take('runFail')).toMatchObject({
        generation: 2,
        error: { name: 'ContextError', message: expect.stringMatching(/no session/) },
      })
    })

    test('does not keep a run from being adopted or cancelled', async () => {
      let calls = 0
      const { engine, executor } = await serve({ job }, () => {
        calls += 1
        return calls === 1 ? 'old' : new Promise(() => undefined)
      })
      await park(engine)
      engine.send({ ...resume, steps: [nap] })
      await quiet()
      executor.setJobs(new Map([['job', job]]))
      expect((await engine.next('hello')).holding).toEqual([{ runId: 'run-1', generation: 2 }])
      engine.send(welcome(1, { runId: 'run-1', generation: 3 }))
      engine.send({ type: 'abort', runId: 'run-1', generation: 3, reason: 'cancelled' })
      await engine.next('released')
      expect(await engine.rest()).toEqual([])
    })
  })

  test('a run that is cancelled while it waits never starts', async () => {
    let started = false
    const job = defineJob({
      name: 'job',
      run: () => {
        started = true
      },
    })
    const made = gate<unknown>()
    const { engine } = await serve({ job }, () => made.promise)
    engine.send(assign('job'))
    await quiet()
    engine.send({ type: 'abort', runId: 'run-1', generation: 1, reason: 'cancelled' })
    await engine.next('released')
    made.open('late')
    expect(await engine.rest()).toEqual([])
    expect(started).toBe(false)
  })

  test('a run that waits goes on under a restarted engine', async () => {
    const job = defineJob({ name: 'job', run: (step) => step.context })
    const made = gate<unknown>()
    const source = createContextSource(() => () => made.promise)
    const { port1, port2 } = new MessageChannel()
    const line = serveContext(port1, source)
    const started = await welcomedExecutor({ job }, { port: port2, isUsed: true })
    const executor: Executor = started.executor
    started.engine.send(assign('job'))
    await quiet()
    const { engine, connect } = scriptedEngine()
    executor.connect(connect)
    expect((await engine.next('hello')).holding).toEqual([{ runId: 'run-1', generation: 1 }])
    engine.send(welcome(2, { runId: 'run-1', generation: 2 }))
    made.open('value')
    expect(await engine.take('runComplete')).toMatchObject({ generation: 2, output: '"value"' })
    close.push(
      () => executor.close(),
      () => engine.close(),
      () => started.engine.close(),
      () => line.close(),
    )
  })
})

describe('setContext', () => {
  const cycle: Record<string, unknown> = { plain: 1 }
  cycle['self'] = cycle
  cycle['call'] = () => 'secret'

  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ['a function', () => 'secret', /context is a function/],
    ['a function inside', { a: [1, { b: () => 'secret' }] }, /context\.a\.1\.b is a function/],
    ['a symbol', { mark: Symbol('secret') }, /context\.mark is a symbol/],
    ['a function beside a cycle', cycle, /context\.call is a function/],
    ['a WeakMap', new Map([['key', new WeakMap()]]), /context is an object/],
    ['a promise', { token: Promise.resolve('secret') }, /context\.token is an object/],
  ]
  test.each(bad)('refuses %s', (_what, value, message) => {
    const client = createStepwell({ jobs: { job: reading() } })
    const call = () => client.setContext(value)
    expect(call).toThrow(message)
    expect(call).toThrow(/^The context given to setContext cannot be sent to a worker/)
    try {
      call()
    } catch (error) {
      expect(isStepwellError(error, 'not_serializable')).toBe(true)
      expect(String(error)).not.toContain('secret')
    }
  })

  test('takes a copy of what can be cloned', () => {
    const value = {
      at: new Date(0),
      map: new Map([[1, new Uint8Array([1, 2])]]),
      nothing: undefined,
    }
    const copy = cloneContext(value)
    expect(copy).toEqual(value)
    expect(copy).not.toBe(value)
    expect(cloneContext(undefined)).toBeUndefined()
  })

  test('is refused by a closed client', async () => {
    const client = createStepwell({ jobs: { job: reading() } })
    client.setContext('on a server it does nothing')
    await client.close()
    expect(() => client.setContext('x')).toThrow(/client was closed/)
  })
})
