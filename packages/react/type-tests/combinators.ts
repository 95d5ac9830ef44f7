/** `defineParentJob`, `sequence` and `poll`: what is inferred, and where the errors stand. */
import {
  defineJob,
  defineParentJob,
  type JobInput,
  type JobName,
  type JobOutput,
  type JobParsed,
  type ParentResults,
  poll,
  type Settled,
  sequence,
} from '@stepwell/core'
import * as v from 'valibot'
import { z } from 'zod'
import { same } from './assert.js'
import { importCsv, ping, resize, shout } from './jobs.js'

const count = defineJob({ name: 'count', run: (_step, text: string) => text.length })
const double = defineJob({ name: 'double', run: (_step, n: number) => 2 * n })
const labelled = defineJob({
  name: 'labelled',
  labels: z.object({ tenant: z.string() }),
  run: (_step, n: number) => n,
})

// Without finalize: the children's outputs, each of its own type.
export const pair = defineParentJob({
  name: 'pair',
  run: async (step, input: { text: string }) => {
    const n = await step.run('n', () => input.text.length)
    return {
      output: n,
      children: [
        { job: count, input: input.text },
        { job: resize, input: { width: '4' }, priority: 3, labels: { a: 'b' } },
        { job: ping },
      ],
    }
  },
})
same<JobName<typeof pair>, 'pair'>()
same<JobInput<typeof pair>, { text: string }>()
same<JobOutput<typeof pair>['output'], number>()
same<JobOutput<typeof pair>['children'], [number, string, 'pong']>()

// A list of children, and finalize as a function.
export const total = defineParentJob({
  name: 'total',
  input: z.object({ texts: z.array(z.string()), by: z.number().default(2) }),
  labels: v.object({ tenant: v.string() }),
  retry: { maxAttempts: 3 },
  timeout: '5m',
  network: 'online',
  maxRecoveries: 2,
  concurrency: 4,
  run: (_step, { texts, by }) => ({
    output: by,
    children: texts.map((input) => ({ job: count, input })),
  }),
  finalize: async (step, { input, output, children }) => {
    same<typeof input, { texts: string[]; by: number }>()
    same<typeof output, number>()
    same<typeof children, Settled<number>[]>()
    const done = children.filter((child) => child.status === 'completed')
    const sum = done.reduce((all, child) => all + child.output, 0)
    return step.run('sum', () => ({ sum: sum * output }))
  },
})
same<JobInput<typeof total>, { texts: string[]; by?: number | undefined }>()
same<JobParsed<typeof total>, { texts: string[]; by: number }>()
same<JobOutput<typeof total>, { sum: number }>()

// Children of several jobs: each ended in its own way.
defineParentJob({
  name: 'mixed',
  run: (_step, text: string) => ({
    output: null,
    children: [
      { job: count, input: text },
      { job: shout, input: text },
    ],
  }),
  finalize: (_step, { children: [a, b] }) => {
    same<typeof a, Settled<number>>()
    same<typeof b, Settled<string>>()
  },
})

// A job as finalize, with a retry and a timeout of its own.
const report = defineJob({
  name: 'report',
  retry: { maxAttempts: 3 },
  run: (_step, { children }: ParentResults<string[], number, (typeof count)[]>) => children.length,
})
export const reported = defineParentJob({
  name: 'reported',
  run: async (_step, texts: string[]) => ({
    output: texts.length,
    children: texts.map((input) => ({ job: count, input })),
  }),
  finalize: report,
})
same<JobInput<typeof reported>, string[]>()
same<JobOutput<typeof reported>, number>()

// One that takes less of the results fits too, by its schema's input.
const loose = defineJob({
  name: 'loose',
  input: z.object({ children: z.array(z.object({ status: z.string() })) }),
  run: (_step, { children }) => children.map(({ status }) => status),
})
const loosely = defineParentJob({
  name: 'loosely',
  run: (_step, texts: string[]) => ({
    output: 1,
    children: texts.map((input) => ({ job: count, input })),
  }),
  finalize: loose,
})
same<JobOutput<typeof loosely>, string[]>()

defineParentJob({
  name: 'other-output',
  run: (_step, texts: string[]) => ({
    output: 'a text',
    children: texts.map((input) => ({ job: count, input })),
  }),
  // @ts-expect-error it takes results whose output is a number
  finalize: report,
})
defineParentJob({
  name: 'other-children',
  run: (_step, texts: string[]) => ({
    output: 1,
    children: texts.map((input) => ({ job: shout, input })),
  }),
  // @ts-expect-error it takes results of another job
  finalize: report,
})
defineParentJob({
  name: 'wrong-input',
  // @ts-expect-error the input of a child has the wrong type
  run: () => ({ output: 1, children: [{ job: count, input: 7 }] }),
})
defineParentJob({
  name: 'no-input',
  // @ts-expect-error the input of a child is missing
  run: () => ({ output: 1, children: [{ job: count }] }),
})
defineParentJob({
  name: 'no-labels',
  // @ts-expect-error the labels of a child are missing
  run: () => ({ output: 1, children: [{ job: labelled, input: 1 }] }),
})
defineParentJob({
  name: 'no-children',
  // @ts-expect-error children are needed
  run: () => ({ output: 1 }),
})
defineParentJob({
  name: 'own-finalize',
  run: () => ({ output: 1, children: [] }),
  // @ts-expect-error a function or a job
  finalize: 'report',
})
// @ts-expect-error a retry says how many attempts
defineParentJob({ name: 'a', retry: {}, run: () => ({ output: 1, children: [] }) })

// A sequence: from the input of the first to the output of the last.
export const chain = sequence('chain', [shout, count, double], { retry: { maxAttempts: 2 } })
same<JobName<typeof chain>, 'chain'>()
same<JobInput<typeof chain>, string>()
same<JobOutput<typeof chain>, number>()
const single = sequence('single', [importCsv])
same<JobInput<typeof single>, { url: string; limit?: number | undefined }>()
same<JobOutput<typeof single>, { pages: number; at: number }>()
const nested = sequence('nested', [chain, double])
same<JobOutput<typeof nested>, number>()
// What the schema takes counts, not what it makes.
const toWidth = defineJob({ name: 'to-width', run: (_step, n: number) => ({ width: `${n}` }) })
same<JobOutput<ReturnType<typeof widths>>, string>()
function widths() {
  return sequence('widths', [double, toWidth, resize])
}
// @ts-expect-error the second takes a number, and the first makes a text
sequence('misfit', [shout, double])
// @ts-expect-error the third takes a text
sequence('misfit', [shout, count, shout])
// @ts-expect-error the second takes no input
sequence('misfit', [shout, ping])
// @ts-expect-error at least one
sequence('none', [])
// @ts-expect-error jobs, not their names
sequence('names', ['shout'])
// @ts-expect-error no such option
sequence('a', [shout], { retries: 3 })

// A poll: the output beside `isDone: true`.
const check = defineJob({
  name: 'check',
  run: (_step, id: string) =>
    id === '' ? { isDone: false as const } : { isDone: true as const, output: { id } },
})
export const polled = poll('polled', check, { maxAttempts: 5, delay: '10s', timeout: '1h' })
same<JobName<typeof polled>, 'polled'>()
same<JobInput<typeof polled>, string>()
same<
  JobOutput<typeof polled>,
  { readonly isSuccess: true; readonly output: { id: string } } | { readonly isSuccess: false }
>()
const loosePoll = poll(
  'loose-poll',
  defineJob({ name: 'maybe', run: (_step, n: number) => ({ isDone: n > 1, output: n }) }),
  { maxAttempts: 5, delay: 10 },
)
same<Extract<JobOutput<typeof loosePoll>, { isSuccess: true }>['output'], number>()
// @ts-expect-error it does not say whether it is done
poll('endless', shout, { maxAttempts: 5, delay: '10s' })
// @ts-expect-error how often it is run at most is needed
poll('endless', check, { delay: '10s' })
// @ts-expect-error the delay is needed
poll('endless', check, { maxAttempts: 5 })
// @ts-expect-error not a duration
poll('endless', check, { maxAttempts: 5, delay: 'soon' })
