/** `defineJob`: what is inferred from schemas and from the function, and where the errors stand. */
import {
  defineJob,
  type JobInput,
  type JobLabels,
  type JobName,
  type JobOutput,
  type JobParsed,
  type Labels,
} from '@stepwell/core'
import { serveJobs } from '@stepwell/core/executor'
import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'
import { same } from './assert.js'

// zod: the trigger takes the schema's input, the function gets its output.
export const importCsv = defineJob({
  name: 'import-csv',
  input: z.object({ url: z.string(), limit: z.number().default(100) }),
  output: z.object({ pages: z.number(), at: z.string().transform((text) => text.length) }),
  run: async (step, input) => {
    same<typeof input, { url: string; limit: number }>()
    const pages = await step.run('count', async ({ signal, attempt, idempotencyKey }) => {
      same<typeof signal, AbortSignal>()
      same<typeof attempt, number>()
      same<typeof idempotencyKey, string>()
      return 3
    })
    same<typeof pages, number>()
    return { pages, at: 'now' }
  },
})
same<JobName<typeof importCsv>, 'import-csv'>()
same<JobInput<typeof importCsv>, { url: string; limit?: number | undefined }>()
same<JobParsed<typeof importCsv>, { url: string; limit: number }>()
same<JobOutput<typeof importCsv>, { pages: number; at: number }>()

export const resize = defineJob({
  name: 'resize',
  input: v.object({ width: v.pipe(v.string(), v.transform(Number)) }),
  run: async (step, { width }) => {
    same<typeof width, number>()
    const half = await step.run('half', () => width / 2)
    return `${half}`
  },
})
same<JobInput<typeof resize>, { width: string }>()
same<JobOutput<typeof resize>, string>()

export const tidy = defineJob({
  name: 'tidy',
  input: type({ depth: 'number', 'name?': 'string' }),
  run: (_step, input) => {
    same<typeof input, { depth: number; name?: string }>()
    return [input.depth]
  },
})
same<JobOutput<typeof tidy>, number[]>()

/** No schema and no input. */
export const ping = defineJob({ name: 'ping', run: () => 'pong' as const })
same<JobInput<typeof ping>, void>()
same<JobOutput<typeof ping>, 'pong'>()

/** No schema: the type that the function states. */
export const shout = defineJob({
  name: 'shout',
  run: async (step, text: string) => step.run('upper', () => text.toUpperCase()),
})
same<JobInput<typeof shout>, string>()
same<JobOutput<typeof shout>, string>()

/** An input that may be left out. */
export const greet = defineJob({
  name: 'greet',
  input: z.object({ name: z.string() }).optional(),
  run: (_step, input) => input?.name ?? 'you',
})
same<JobInput<typeof greet>, { name: string } | undefined>()

/** Labels that a trigger must give, and one that it may leave out. */
export const bill = defineJob({
  name: 'bill',
  labels: z.object({ tenant: z.string(), source: z.enum(['web', 'api']).default('web') }),
  run: (_step, amount: number) => amount,
})
same<JobLabels<typeof bill>, { tenant: string; source?: 'web' | 'api' | undefined }>()
same<JobLabels<typeof ping>, Labels>()

/** Labels that may all be left out, of a job without an input. */
export const sweep = defineJob({
  name: 'sweep',
  labels: v.object({ reason: v.optional(v.string()) }),
  run: () => {},
})
same<JobLabels<typeof sweep>, { reason?: string | undefined }>()

/** Exported with the jobs, as a module's other exports are. */
export const VERSION = 3
export const jobs = serveJobs({ importCsv, resize, tidy, ping, shout, greet, bill, sweep, VERSION })
same<(typeof jobs)['importCsv'], typeof importCsv>()

defineJob({
  name: 'wrong-output',
  output: z.object({ pages: z.number() }),
  // @ts-expect-error the function must return what the output schema takes
  run: () => ({ pages: 'three' }),
})
defineJob({
  name: 'wrong-output-async',
  output: v.object({ pages: v.number() }),
  // @ts-expect-error also when it returns a promise
  run: async () => ({ sites: 3 }),
})
// @ts-expect-error a job needs a name
defineJob({ run: () => 1 })
// @ts-expect-error a job needs a function
defineJob({ name: 'nothing' })
defineJob({
  name: 'wrong-schema',
  // @ts-expect-error not a Standard Schema
  input: { url: 'string' },
  run: () => 1,
})
defineJob({
  name: 'wrong-labels',
  // @ts-expect-error labels are texts
  labels: z.object({ size: z.number() }),
  run: () => 1,
})
defineJob({
  name: 'wrong-recoveries',
  // @ts-expect-error a number
  maxRecoveries: '10',
  run: () => 1,
})
defineJob({
  name: 'steps',
  run: async (step) => {
    const nothing = await step.run('nothing', () => {})
    same<typeof nothing, void>()
    const list = await Promise.all([step.run('a', () => 1), step.run('b', async () => 'x')])
    same<typeof list, [number, string]>()
    // @ts-expect-error a step has a function
    step.run('no-function')
    // @ts-expect-error a step's name is a text
    step.run(7, () => 1)
    // @ts-expect-error progress is a number
    step.progress('half')
    // @ts-expect-error a log line has a text
    step.log.info({ pages: 3 })
    // @ts-expect-error there is no such level
    step.log.fatal('no')
    const text = await step.run('text', () => 'x')
    // @ts-expect-error a step's result keeps its type
    return text.toFixed()
  },
})
// @ts-expect-error jobs are given as an object
serveJobs('import-csv')
