import { describe, expect, test } from 'vitest'
import { defineJob } from '../src/job.js'
import type { MapOptions } from '../src/step.js'
import { durableEngines } from './durable-engine.js'
import { failure, gate, quiet, step as storedStep } from './scripted-engine.js'

const durable = durableEngines()

/** Doors by name, that a test opens in whatever order it likes. */
function doors() {
  const gates = new Map<string, ReturnType<typeof gate<void>>>()
  return (name: string) => {
    const door = gates.get(name) ?? gate()
    gates.set(name, door)
    return door
  }
}

describe('step.map', () => {
  test('runs a step for each item, and returns the results in their order', async () => {
    const door = doors()
    const job = defineJob({
      name: 'job',
      run: (step) =>
        step.map('page', ['a', 'b', 'c'], async (item, { idempotencyKey, attempt }, index) => {
          await door(item).promise
          return [item, index, attempt, idempotencyKey]
        }),
    })
    const engine = await durable({ job })
    engine.start('job')
    await engine.until(() => engine.said.includes('stepStart page:2'))
    for (const item of ['c', 'a', 'b']) {
      door(item).open()
      await quiet()
    }
    const { output } = await engine.ended()
    expect(JSON.parse(String(output))).toEqual([
      ['a', 0, 1, 'run-1:page:0'],
      ['b', 1, 1, 'run-1:page:1'],
      ['c', 2, 1, 'run-1:page:2'],
    ])
    expect(engine.said.filter((what) => what.startsWith('stepCommit'))).toEqual([
      'stepCommit page:2',
      'stepCommit page:0',
      'stepCommit page:1',
    ])
  })

  test('keeps to its concurrency, and starts the next item when one is done', async () => {
    const door = doors()
    let atWork = 0
    let most = 0
    const job = defineJob({
      name: 'job',
      run: (step) =>
        step.map(
          'page',
          Array.from({ length: 7 }, (_, i) => i),
          async (item) => {
            atWork += 1
            most = Math.max(most, atWork)
            await door(`${item}`).promise
            atWork -= 1
            return item * 2
          },
          { concurrency: 2 },
        ),
    })
    const engine = await durable({ job })
    engine.start('job')
    for (let item = 0; item < 7; item++) {
      await engine.until(() => engine.said.includes(`stepStart page:${item}`))
      door(`${item}`).open()
    }
    expect((await engine.ended()).output).toBe('[0,2,4,6,8,10,12]')
    expect(most).toBe(2)
  })

  test('of nothing is an empty list; results that are undefined stay so', async () => {
    const seen: unknown[] = []
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        seen.push(await step.map('none', [], () => 1))
        seen.push(await step.map('void', [1, 2], () => undefined))
      },
    })
    const engine = await durable({ job })
    engine.start('job')
    await engine.ended()
    expect(seen).toEqual([[], [undefined, undefined]])
  })

  test('is a name of its items only: another map of that name is a duplicate at its first item', async () => {
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        await step.map('page', [1], () => 1)
        await step.map('page', [1], () => 1)
      },
    })
    const engine = await durable({ job })
    engine.start('job')
    expect((await engine.ended()).error).toMatchObject({
      code: 'duplicate_step',
      stepName: 'page:0',
    })
  })

  test('retries its items one by one, beside the others', async () => {
    const job = mapOf(
      (item, attempt) => {
        if (item === 1 && attempt === 1) throw new Error('first')
        return `${item}/${attempt}`
      },
      { retry: { maxAttempts: 2, initialDelay: 5 } },
    )
    const engine = await durable({ job })
    engine.start('job')
    await engine.waiting()
    engine.end('page:1', 'again')
    expect((await engine.ended()).output).toBe('["0/1","1/2","2/1"]')
  })
})

/** Three items; the fourth argument of each body is left out. */
function mapOf(body: (item: number, attempt: number) => unknown, options?: MapOptions) {
  return defineJob({
    name: 'job',
    run: (step) => step.map('page', [0, 1, 2], (item, { attempt }) => body(item, attempt), options),
  })
}

describe('the first failure', () => {
  test('aborts those at work, of which nothing is stored, keeps what is done, and is thrown', async () => {
    const door = doors()
    const aborted: unknown[] = []
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        const failed = await step
          .map('page', ['done', 'bad', 'slow', 'deaf'], async (item, { signal }) => {
            signal.addEventListener('abort', () => {
              aborted.push([item, Reflect.get(signal.reason, 'code')])
              if (item === 'slow') door('slow').open()
            })
            await door(item).promise
            if (item === 'bad') throw new RangeError('bad page')
            return item
          })
          .catch((error: unknown) => error)
        expect(failed).toBeInstanceOf(RangeError)
        return step.run('after', () => String(failed))
      },
    })
    const engine = await durable({ job })
    engine.start('job')
    await engine.until(() => engine.said.includes('stepStart page:3'))
    door('done').open()
    await engine.until(() => engine.said.includes('stepCommit page:0'))
    door('bad').open()
    const { output, steps } = await engine.ended()
    expect(output).toBe('"RangeError: bad page"')
    door('deaf').open()
    await quiet()
    expect(aborted).toEqual([
      ['slow', 'cancelled'],
      ['deaf', 'cancelled'],
    ])
    expect([...steps.keys()].sort()).toEqual(['after', 'page:0', 'page:1'])
    expect(engine.said.filter((what) => what.endsWith('page:2'))).toEqual(['stepStart page:2'])
    expect(engine.said.filter((what) => what.endsWith('page:3'))).toEqual(['stepStart page:3'])
  })

  test('fails the run with the name of its step where nobody catches it', async () => {
    const job = mapOf((item) => {
      if (item === 1) throw new Error('bad')
      return item
    })
    const engine = await durable({ job })
    engine.start('job')
    expect((await engine.ended()).error).toMatchObject({ message: 'bad', stepName: 'page:1' })
  })

  test('starts no further item', async () => {
    const job = mapOf(
      (item) => {
        if (item === 0) throw new Error('bad')
        return item
      },
      { concurrency: 1 },
    )
    const engine = await durable({ job })
    engine.start('job')
    await engine.ended()
    expect(engine.said).toEqual(['stepStart page:0', 'stepFail page:0', 'runFail'])
  })

  test('drops an item that waits for its next attempt, which is not run any more', async () => {
    const attempts: string[] = []
    const door = doors()
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        await step
          .map(
            'page',
            ['flaky', 'bad'],
            async (item, { attempt }) => {
              attempts.push(`${item}/${attempt}`)
              if (item === 'flaky') throw new Error('again')
              await door('bad').promise
              throw new StrictError()
            },
            { retry: { maxAttempts: 3, initialDelay: 5 } },
          )
          .catch(() => undefined)
        await step.sleep('nap', 5)
        return 'went on'
      },
    })
    const engine = await durable({ job })
    engine.start('job')
    await engine.until(() => engine.run().steps.get('page:0')?.status === 'waiting')
    door('bad').open()
    await engine.until(() => engine.run().steps.get('page:1')?.status === 'failed')
    await engine.waiting()
    expect(engine.messages.at(-1)).toMatchObject({ type: 'suspend', waits: ['nap'] })
    // The engine knows nothing of the map: it wakes the run for the attempt, and nothing comes of it.
    engine.end('page:0', 'again')
    await engine.waiting()
    engine.end('nap', {})
    expect((await engine.ended()).output).toBe('"went on"')
    expect(attempts).toEqual(['flaky/1', 'bad/1'])
  })

  test('a replay runs nothing of what was dropped', async () => {
    const ran: number[] = []
    const job = defineJob({
      name: 'job',
      run: (step) =>
        step
          .map('page', [0, 1, 2, 3], (item) => {
            ran.push(item)
            return item
          })
          .catch((error: unknown) => String(error)),
    })
    const engine = await durable({ job })
    const memo = [
      storedStep('page:2', { completedIndex: 0, output: '2' }),
      storedStep('page:1', { completedIndex: 1, status: 'failed', error: failure() }),
      storedStep('page:3', { status: 'pending', attempt: 1 }),
    ]
    engine.start('job', { memo })
    expect((await engine.ended()).output).toBe('"Error: broken"')
    expect(ran).toEqual([])
    expect(engine.said).toEqual(['runComplete'])
  })

  test('an abort of the run rejects the map too, which nobody has to handle', async () => {
    const rejected: unknown[] = []
    const onRejection = (reason: unknown) => rejected.push(reason)
    process.on('unhandledRejection', onRejection)
    const job = defineJob({
      name: 'job',
      run: (step) => {
        void step.map('page', [0, 1], () => new Promise(() => undefined))
        return step.sleep('nap', 5)
      },
    })
    const engine = await durable({ job })
    engine.start('job')
    await engine.until(() => engine.said.includes('stepWait nap'))
    engine.wire.send({ type: 'abort', runId: 'run-1', generation: 1, reason: 'cancelled' })
    await engine.until(() => engine.said.includes('released'))
    await quiet()
    process.off('unhandledRejection', onRejection)
    expect(rejected).toEqual([])
  })
})

class StrictError extends Error {
  readonly '~stepwell' = 'non-retryable'
}
