/** Parents and their children. */
import { defineJob, type Job, type Labels } from '@stepwell/core'
import { z } from 'zod'
import { describe } from './definitions-values.js'
import { gate, witness } from './outside.js'

export interface Work {
  readonly key: string
  readonly n: number
  /** `fails`: the first time; `refuses`: always; `waits`: at the gate `<key>-<n>`. */
  readonly how?: 'fails' | 'refuses' | 'waits'
}

/** Tells the witness `<key>/child/<n>`. */
export const child = defineJob({
  name: 'child',
  run: (step, { key, n, how }: Work) =>
    step.run(`work-${n}`, async () => {
      const times = await witness(`${key}/child/${n}`)
      if (how === 'waits') await gate(`${key}-${n}`)
      if (how === 'refuses' || (how === 'fails' && times === 1)) throw new RangeError(`no ${n}`)
      return n * 2
    }),
})

/** As `child`, without any outside call. */
export const double = defineJob({
  name: 'double',
  run: (step, { n }: { readonly n: number }) => step.run('work', () => n * 2),
})

export interface Family {
  readonly key: string
  readonly work: readonly Work[]
  readonly isSettled?: boolean
}

/** A step, children, and a step. */
export const parent = defineJob({
  name: 'parent',
  run: async (step, { key, work, isSettled = false }: Family) => {
    await witness(`${key}/code`)
    await step.run('before', () => witness(`${key}/before`))
    const calls = work.map((input) => ({ job: child, input }))
    const results = isSettled
      ? await step.invokeAll('parts', calls, { mode: 'settled' })
      : await step.invokeAll('parts', calls)
    await step.run('after', () => witness(`${key}/after`))
    return results
  },
})

/** As many children as asked for, without any outside call. */
export const crowd = defineJob({
  name: 'crowd',
  run: async (step, { count }: { readonly count: number }) => {
    const calls = Array.from({ length: count }, (_, n) => ({ job: double, input: { n } }))
    return step.invokeAll('parts', calls)
  },
})

export const grandparent = defineJob({
  name: 'grandparent',
  run: (step, input: Family) => step.invoke('below', parent, input),
})

/** Does not wait for its child, and ends. */
export const leaving = defineJob({
  name: 'leaving',
  run: async (step, { work, fails }: { readonly work: Work; readonly fails: boolean }) => {
    const left = step.invoke('below', child, work)
    left.catch(() => undefined)
    await step.run('beside', () => gate(`${work.key}-beside`))
    if (fails) throw new Error('left in anger')
    return 'left'
  },
})

export const strictChild = defineJob({
  name: 'strict-child',
  input: z.object({ size: z.number().min(1) }),
  run: (step, { size }) => step.run('work', () => size),
})

export const strictParent = defineJob({
  name: 'strict-parent',
  run: async (step, { sizes }: { readonly sizes: readonly number[] }) => {
    const calls = sizes.map((size) => ({ job: strictChild, input: { size } }))
    return step.invokeAll('parts', calls, { mode: 'settled' })
  },
})

/** One child, with all the options that a child can have. */
export const choosy = defineJob({
  name: 'choosy',
  run: (step, work: Work) =>
    step.invoke('one', child, work, {
      labels: { from: 'choosy' },
      priority: 7,
      concurrencyKey: `${work.key}-one`,
      delay: 300,
    }),
})

interface Nested {
  readonly depth: number
  /** What the one at the bottom waits for. */
  readonly signal: string
}

/** Invokes itself until it is at the bottom; how many were below. */
export const nested: Job<'nested', Nested, Nested, number, Labels> = defineJob({
  name: 'nested',
  run: async (step, { depth, signal }: Nested): Promise<number> => {
    if (depth > 0) return 1 + (await step.invoke('below', nested, { depth: depth - 1, signal }))
    await step.waitForSignal('bottom', { key: signal })
    return 0
  },
})

/** Its second child has the concurrency key of the first. */
export const clashing = defineJob({
  name: 'clashing',
  run: (step, { key }: { readonly key: string }) => {
    const calls = [1, 2].map((n) => ({ job: child, input: { key, n }, concurrencyKey: key }))
    return step.invokeAll('parts', calls)
  },
})

export const fileChild = defineJob({
  name: 'file-child',
  run: (step, { text }: { readonly text: string }) =>
    step.run('make', () => new File([text], 'a.txt', { type: 'text/plain', lastModified: 5 })),
})

/** Says what it sees of a file that it was given by a child. */
export const fileParent = defineJob({
  name: 'file-parent',
  run: async (step, { key, text }: { readonly key: string; readonly text: string }) => {
    const file = await step.invoke('make', fileChild, { text })
    await step.run('hold', () => gate(key))
    return describe(file)
  },
})

/** Catches the failure of its child, tells the witness what it caught, and waits at the gate `<key>`. */
export const forgiving = defineJob({
  name: 'forgiving',
  run: async (step, { key }: { readonly key: string }) => {
    let caught = 'nothing'
    try {
      await step.invoke('risky', child, { key, n: 1, how: 'fails' })
    } catch (error) {
      if (!(error instanceof RangeError) || !(error.cause instanceof RangeError)) throw error
      caught = `${error.name}, for ${error.cause.name}: ${error.cause.message}`
    }
    await witness(`${key}/caught/${encodeURIComponent(caught)}`)
    await step.run('hold', async () => {
      await witness(`${key}/hold`)
      await gate(key)
    })
    return caught
  },
})
