/** The jobs that are measured, and the entry of the worker that runs them. */
import { defineJob } from '@stepwell/core'
import { serveJobs } from '@stepwell/core/executor'
import { sharedNow } from '../clock.js'

/** Milliseconds since the Unix epoch, with fractions: comparable between the threads of one browser. */
export const wallNow = (): number => performance.timeOrigin + performance.now()

const OUTPUT = { text: 'x'.repeat(88) }

/** Steps that do nothing and return about 100 bytes of JSON. */
export const steps = defineJob({
  name: 'steps',
  run: async (step, input: { count: number }) => {
    for (let i = 0; i < input.count; i++) await step.run(`step-${i}`, () => OUTPUT)
    return input.count
  },
})

/** When its first step's function started. */
export const firstStep = defineJob({
  name: 'first-step',
  run: (step) => step.run('first', wallNow),
})

/** A run of one step. */
export const one = defineJob({ name: 'one', run: (step) => step.run('work', () => OUTPUT) })

/** Its input is its step's result and its output. */
export const echo = defineJob({
  name: 'echo',
  run: (step, input: { text: string }) => step.run('echo', () => input),
})

/** Says how far it is, in a task of its own each time. */
export const reporter = defineJob({
  name: 'reporter',
  run: async (step, { count }: { count: number }) => {
    for (let i = 1; i <= count; i++) {
      step.progress(i, count)
      await new Promise((resolve) => setTimeout(resolve))
    }
  },
})

/** A run without steps, to fill a database with. */
export const filler = defineJob({ name: 'filler', run: () => OUTPUT })

/** When it woke. */
export const nap = defineJob({
  name: 'nap',
  run: async (step, { ms }: { ms: number }) => {
    await step.sleep('nap', ms)
    return wallNow()
  },
})

/** When the step after its signal started. */
export const asked = defineJob({
  name: 'asked',
  run: async (step) => {
    await step.waitForSignal('answer')
    return step.run('next', wallNow)
  },
})

/** A child of one step. */
export const child = defineJob({ name: 'child', run: (step) => step.run('work', () => OUTPUT) })

export const parent = defineJob({
  name: 'parent',
  run: async (step, { count }: { count: number }) => {
    const calls = Array.from({ length: count }, () => ({ job: child }))
    const outputs = await step.invokeAll('children', calls)
    return outputs.length
  },
})

/** When a step of `beat` started, and in which worker. */
export interface Beat {
  readonly at: number
  readonly executor: string
}

export function isBeat(output: unknown): output is Beat {
  return typeof output === 'object' && output !== null && 'executor' in output && 'at' in output
}

const executor = crypto.randomUUID()

/** Steps of 20 ms, of which one can see where they ran. */
export const beat = defineJob({
  name: 'beat',
  run: async (step, input: { count: number }) => {
    for (let i = 0; i < input.count; i++) {
      await step.run(`step-${i}`, async (): Promise<Beat> => {
        const at = sharedNow()
        await new Promise((resolve) => setTimeout(resolve, 20))
        return { at, executor }
      })
    }
  },
})

/** When its first step's function started, by the clock of all processes. */
export const started = defineJob({ name: 'started', run: (step) => step.run('first', sharedNow) })

/** One step with many log lines. */
export const chatter = defineJob({
  name: 'chatter',
  run: (step, { lines }: { lines: number }) =>
    step.run('talk', ({ log }) => {
      for (let i = 0; i < lines; i++) log.info(`line ${i} of what a job has to say`)
    }),
})

export const jobs = serveJobs({
  one,
  echo,
  reporter,
  steps,
  firstStep,
  filler,
  nap,
  asked,
  child,
  parent,
  beat,
  started,
  chatter,
})
