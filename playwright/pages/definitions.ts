/** The jobs that the tests run. Each step tells the witness that its body runs, under `<key>/<step name>`. */
import { defineJob } from '@stepwell/core'
import { z } from 'zod'
import { gate, witness, witnessed } from './outside.js'

export { deaf, lingering } from './definitions-acceptance.js'
export * from './definitions-children.js'
export * from './definitions-combinators.js'
export * from './definitions-executors.js'
export { labelled } from './definitions-labels.js'
export * from './definitions-policies.js'
export * from './definitions-storage.js'
export * from './definitions-tabs.js'
export { chatty, kept, measured, producing, rich, wordy } from './definitions-values.js'
export * from './definitions-waiting.js'

/** `count` steps; the one with the index `gateAt` waits for the gate `<key>`. */
export const steps = defineJob({
  name: 'steps',
  run: async (step, input: { key: string; count: number; gateAt?: number }) => {
    const values: number[] = []
    for (let i = 0; i < input.count; i++) {
      const value = await step.run(`s-${i}`, async () => {
        await witness(`${input.key}/s-${i}`)
        if (i === input.gateAt) await gate(input.key)
        return i
      })
      values.push(value)
    }
    return { values }
  },
})

/** The same as `steps`, and never in `fewer.html`. */
export const extra = defineJob({
  name: 'extra',
  run: (step, input: { key: string }) =>
    step.run('only', async () => {
      await witness(`${input.key}/only`)
      return 'done'
    }),
})

/** Steps without any outside call: only the engine decides how fast they are. */
export const quick = defineJob({
  name: 'quick',
  run: async (step, input: { count: number }) => {
    let sum = 0
    for (let i = 0; i < input.count; i++) sum += await step.run(`q-${i}`, () => i)
    return sum
  },
})

/** Steps until the witness has heard `<key>/stop`, each telling the run's progress. */
export const endless = defineJob({
  name: 'endless',
  run: async (step, input: { key: string }) => {
    for (let i = 0; ; i++) {
      const isLast = await step.run(`s-${i}`, async () => {
        await witness(`${input.key}/run/s-${i}`)
        return Object.keys(await witnessed(`${input.key}/stop`)).length > 0
      })
      step.progress(i + 1)
      if (isLast) return i + 1
    }
  },
})

/** A step that gives its thread to nobody for `ms` milliseconds. */
export const blocking = defineJob({
  name: 'blocking',
  run: async (step, input: { key: string; ms: number }) => {
    await step.run('block', async () => {
      await witness(`${input.key}/blocking`)
      const until = performance.now() + input.ms
      while (performance.now() < until);
      await witness(`${input.key}/unblocked`)
    })
    await step.run('after', () => witness(`${input.key}/after`))
  },
})

/** The second of three steps throws the first `failures` times. */
export const flaky = defineJob({
  name: 'flaky',
  run: async (step, input: { key: string; failures: number }) => {
    await step.run('first', () => witness(`${input.key}/first`))
    const attempts = await step.run('shaky', async ({ attempt, idempotencyKey, log }) => {
      const times = await witness(`${input.key}/shaky`)
      await witness(`${input.key}/key/${idempotencyKey}`)
      log.info(`attempt ${attempt}`)
      if (times <= input.failures) throw new TypeError(`failure ${times}`)
      return { attempt, times }
    })
    await step.run('last', () => witness(`${input.key}/last`))
    return attempts
  },
})

/** Catches a step's failure, then waits at the gate `<key>`. */
export const catching = defineJob({
  name: 'catching',
  run: async (step, input: { key: string }) => {
    let caught = 'nothing'
    try {
      await step.run('bad', async () => {
        await witness(`${input.key}/bad`)
        throw new RangeError('out of range')
      })
    } catch (error) {
      const isRange = error instanceof RangeError
      caught = `${isRange ? 'RangeError' : typeof error}: ${error instanceof Error ? error.message : ''}`
    }
    await step.run('good', async () => {
      await witness(`${input.key}/good`)
      await gate(input.key)
    })
    return caught
  },
})

/** Waits at the gate `<key>`, minds its signal (and tells of it), and returns all the same. */
export const cancellable = defineJob({
  name: 'cancellable',
  run: async (step, input: { key: string; catches: boolean }) => {
    try {
      await step.run('wait', async ({ signal }) => {
        await witness(`${input.key}/wait`)
        try {
          await gate(input.key, signal)
        } catch {
          await witness(`${input.key}/aborted`)
        }
        return 'late result'
      })
    } catch (error) {
      if (!input.catches) throw error
    }
    await step.run('later', () => witness(`${input.key}/later`))
    return 'returned all the same'
  },
})

/** A step whose signal the job reads outside of steps. */
export const between = defineJob({
  name: 'between',
  run: async (step, input: { key: string }) => {
    await step.run('one', () => witness(`${input.key}/one`))
    const aborted = new Promise<void>((resolve) => {
      step.signal.addEventListener('abort', () => resolve())
    })
    await witness(`${input.key}/between`)
    await aborted
    try {
      step.throwIfAborted()
    } catch {
      await witness(`${input.key}/thrown`)
      throw new Error('stopped')
    }
  },
})

export const described = defineJob({
  name: 'described',
  run: (step, _input: { key: string }) =>
    step.run('look', ({ signal, attempt, idempotencyKey }) => ({
      runId: step.runId,
      attempt,
      idempotencyKey,
      isAborted: signal.aborted,
    })),
})

class Point {
  readonly x = 1
}

function cycle(): object {
  const self: Record<string, unknown> = {}
  self['self'] = self
  return self
}

const MAKERS: Readonly<Record<string, () => unknown>> = {
  Date: () => ({ when: [new Date(0)] }),
  Map: () => ({ map: new Map() }),
  Set: () => ({ set: new Set() }),
  bigint: () => ({ big: 1n }),
  function: () => ({ call: () => 1 }),
  symbol: () => ({ symbol: Symbol('s') }),
  instance: () => ({ point: new Point() }),
  NaN: () => ({ number: Number.NaN }),
  Infinity: () => ({ number: Number.NEGATIVE_INFINITY }),
  cycle: () => ({ cycle: cycle() }),
  hole: () => ({ list: [1, undefined] }),
}

/** Returns a value from a step that strict JSON may not be able to carry. */
export const valued = defineJob({
  name: 'valued',
  run: async (step, input: { kind: string }) => {
    await step.run('fine', () => 1)
    await step.run('make', () => MAKERS[input.kind]?.())
  },
})

/** Tells the witness each value as it was seen, then waits at the gate `<key>`. */
export const seen = defineJob({
  name: 'seen',
  run: async (step, input: { key: string }) => {
    const nothing = await step.run('nothing', () => undefined)
    const object = await step.run('object', () => ({
      b: -0,
      a: [null, 'é\u0000'],
      gone: undefined,
    }))
    const text = [
      typeof nothing,
      Object.keys(object).join(),
      String(Object.is(object.b, 0)),
      JSON.stringify(object),
    ].join('|')
    await witness(`${input.key}/saw/${encodeURIComponent(text)}`)
    await step.run('wait', async () => {
      await witness(`${input.key}/wait`)
      await gate(input.key)
    })
    return nothing
  },
})

export const twice = defineJob({
  name: 'twice',
  run: async (step, input: { key: string }) => {
    await step.run('same', () => witness(`${input.key}/same`))
    try {
      await step.run('same', () => witness(`${input.key}/same`))
    } catch {
      // Even a job that catches everything must not go on as if nothing had happened.
    }
    return 'ended'
  },
})

/** Three steps at once; each ends when its own gate `<key>-<name>` is opened. */
export const parallel = defineJob({
  name: 'parallel',
  run: async (step, input: { key: string }) => {
    const one = (name: string) =>
      step.run(name, async ({ log }) => {
        log.info(`${name} begins`)
        await gate(`${input.key}-${name}`)
        log.info(`${name} ends`)
        return name
      })
    return Promise.all([one('a'), one('b'), one('c')])
  },
})

export const logging = defineJob({
  name: 'logging',
  run: async (step, input: { key: string; lines: number; gate?: string }) => {
    step.log.info('before', { key: input.key })
    await step.run('speak', async ({ log }) => {
      if (input.gate !== undefined) await gate(input.gate)
      log.debug('d')
      log.info('i', { nested: [1, null] })
      log.warn('w')
      log.error('e')
      for (let i = 0; i < input.lines; i++) log.info(`line ${i}`)
    })
    step.log.warn('after')
  },
})

/** `times` calls of progress in a step and as many outside; waits at `<key>` in between where `gated`. */
export const progressing = defineJob({
  name: 'progressing',
  run: async (step, input: { key: string; times: number; gated: boolean }) => {
    await step.run('storm', async ({ progress }) => {
      for (let i = 1; i <= input.times; i++) progress(i, input.times, `in ${i}`)
      if (input.gated) await gate(input.key)
    })
    for (let i = 1; i <= input.times; i++) step.progress(i, input.times, `out ${i}`)
  },
})

/** As `quick`, and each step tells progress: each of its commits tells the page something. */
export const told = defineJob({
  name: 'told',
  run: async (step, input: { count: number }) => {
    for (let i = 1; i <= input.count; i++) {
      await step.run(`t-${i}`, ({ progress }) => progress(i, input.count))
    }
  },
})

/** 1,000 calls of progress, some in each of many tasks, so that they reach the page over many frames. */
export const storming = defineJob({
  name: 'storming',
  run: (step, input: { times: number }) =>
    step.run('storm', async ({ progress }) => {
      const channel = new MessageChannel()
      const turn = () =>
        new Promise<void>((resolve) => {
          channel.port1.onmessage = () => resolve()
          channel.port2.postMessage(null)
        })
      for (let i = 1; i <= input.times; i++) {
        progress(i, input.times)
        await turn()
      }
    }),
})

/** Never gets past its step by itself. */
export const fatal = defineJob({
  name: 'fatal',
  maxRecoveries: 2,
  run: async (step, input: { key: string }) => {
    await step.run('boom', async () => {
      await witness(`${input.key}/boom`)
      await gate(input.key)
    })
  },
})

/** As `fatal`, but with a step that is committed between two interruptions: step i waits at `<key>-i`. */
export const stubborn = defineJob({
  name: 'stubborn',
  maxRecoveries: 1,
  run: async (step, input: { key: string; count: number }) => {
    for (let i = 0; i < input.count; i++) {
      await step.run(`s-${i}`, async () => {
        await witness(`${input.key}/s-${i}`)
        await gate(`${input.key}-${i}`)
      })
    }
    return input.count
  },
})

export const parsed = defineJob({
  name: 'parsed',
  input: z.object({
    name: z.string().trim().min(2),
    size: z.number().default(3),
    tags: z.array(z.string()).default([]),
  }),
  output: z.object({ name: z.string(), size: z.number() }),
  run: (_step, input) => input,
})

/** Its second step ends its worker from inside, the first time. */
export const closing = defineJob({
  name: 'closing',
  run: async (step, input: { key: string }) => {
    await step.run('before', () => witness(`${input.key}/before`))
    await step.run('closes', async () => {
      if ((await witness(`${input.key}/closes`)) > 1) return
      self.close()
      await new Promise(() => undefined)
    })
    return 'survived'
  },
})
