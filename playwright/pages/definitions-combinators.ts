/** Jobs that are made of other jobs, and steps that are made from lists. */
import { defineJob, defineParentJob, poll, sequence } from '@stepwell/core'
import { child, type Work } from './definitions-children.js'
import { gate, witness } from './outside.js'

export interface Report {
  readonly key: string
  readonly work: readonly Work[]
  /** How often `finalize` throws. */
  readonly failures?: number
}

const childrenOf = ({ work }: Report) => work.map((input) => ({ job: child, input }))

/** Without `finalize`. */
export const plainReport = defineParentJob({
  name: 'plain-report',
  run: async (step, input: Report) => {
    const output = await step.run('plan', () => witness(`${input.key}/plan`))
    return { output, children: childrenOf(input) }
  },
})

/** `finalize` is a function. */
export const report = defineParentJob({
  name: 'report',
  run: async (step, input: Report) => {
    const output = await step.run('plan', () => witness(`${input.key}/plan`))
    return { output, children: childrenOf(input) }
  },
  finalize: (step, { input, output, children }) =>
    step.run('sum', async () => {
      const times = await witness(`${input.key}/finalize`)
      if (times <= (input.failures ?? 0)) throw new TypeError('nothing adds up')
      return { output, statuses: children.map(({ status }) => status), times }
    }),
})

export const summary = defineJob({
  name: 'summary',
  retry: { maxAttempts: 2, initialDelay: 10, jitter: 0 },
  run: async (
    step,
    given: {
      readonly input: Report
      readonly output: number
      readonly children: readonly { readonly status: string }[]
    },
  ) => {
    const times = await step.run('sum', () => witness(`${given.input.key}/finalize`))
    if (step.attempt <= (given.input.failures ?? 0)) throw new TypeError('nothing adds up')
    const statuses = given.children.map(({ status }) => status)
    return { output: given.output, statuses, times, attempt: step.attempt }
  },
})

/** `finalize` is a job with a policy of its own. */
export const reportByJob = defineParentJob({
  name: 'report-by-job',
  run: (_step, input: Report) => ({ output: 0, children: childrenOf(input) }),
  finalize: summary,
})

const addOne = defineJob({
  name: 'add-one',
  run: (step, n: number) => step.run('add', () => n + 1),
})
const toText = defineJob({
  name: 'to-text',
  run: (step, n: number) =>
    step.run('text', () => {
      if (n < 0) throw new RangeError(`${n} is negative`)
      return `number ${n}`
    }),
})
export const pipelineAddOne = addOne
export const pipelineToText = toText
/** n + 2, as text; negative numbers are refused by the third job. */
export const pipeline = sequence('pipeline', [addOne, addOne, toText])

/** Done at its `doneAt`-th time. */
export const probe = defineJob({
  name: 'probe',
  run: async (step, { key, doneAt }: { readonly key: string; readonly doneAt: number }) => {
    const times = await step.run('look', () => witness(`${key}/look`))
    return times < doneAt ? { isDone: false as const } : { isDone: true as const, output: times }
  },
})
export const polling = poll('polling', probe, { maxAttempts: 3, delay: 2_000 })

export interface Mapped {
  readonly key: string
  readonly count: number
  readonly concurrency?: number
  /** The items that wait at the gate `<key>-<n>`; told to the witness when their signal fires. */
  readonly gated?: readonly number[]
  /** The item that fails the first time, once the gate `<key>-fail` is open. */
  readonly failing?: number
}

/** Catches the failure of one of its items while another one is at work, and waits at the gate `<key>`. */
export const forgivingMap = defineJob({
  name: 'forgiving-map',
  run: async (step, { key }: { readonly key: string }) => {
    const names = ['fails', 'ends', 'aborted']
    const mapping = step.map('item', names, async (name, { signal }) => {
      await witness(`${key}/item/${name}`)
      if (name === 'fails') {
        await gate(`${key}-fail`)
        throw new RangeError('no')
      }
      if (name === 'aborted') {
        await gate(`${key}-late`, signal).catch(() => witness(`${key}/signal`))
      }
      return name
    })
    const caught = await mapping.catch((error: unknown) => String(error))
    await step.run('hold', async () => {
      await witness(`${key}/hold`)
      await gate(key)
    })
    return caught
  },
})

export const mapped = defineJob({
  name: 'mapped',
  run: async (step, { key, count, concurrency, gated = [], failing }: Mapped) => {
    const items = Array.from({ length: count }, (_, n) => n)
    return step.map(
      'item',
      items,
      async (n, { signal }, index) => {
        const times = await witness(`${key}/item/${n}`)
        if (n === failing && times === 1) {
          await gate(`${key}-fail`)
          throw new RangeError(`no ${n}`)
        }
        if (gated.includes(n)) {
          await gate(`${key}-${n}`, signal).catch(() => witness(`${key}/aborted/${n}`))
        }
        return [n * 2, index]
      },
      concurrency === undefined ? {} : { concurrency },
    )
  },
})
