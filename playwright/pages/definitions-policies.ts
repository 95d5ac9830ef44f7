/** Jobs that are tried again, that take too long, and that need the network. */
import {
  defineJob,
  isStepwellError,
  type JobStep,
  NonRetryableError,
  RetryAfterError,
  type RetryOptions,
} from '@stepwell/core'
import { gate, witness } from './outside.js'

export interface Shaky {
  readonly key: string
  /** How often its second step fails. */
  readonly failures: number
  /** `final`: by a NonRetryableError; `after`: by a RetryAfterError; `unstorable`: by what it returns. */
  readonly how?: 'error' | 'final' | 'after' | 'unstorable'
  /** Of `after`: milliseconds, or where it is large a time. */
  readonly after?: number
  /** Of the step. */
  readonly retry?: RetryOptions
}

/** The second of three steps fails the first `failures` times, in the way that is asked for. */
async function shaky(step: JobStep, input: Shaky) {
  const { key, failures, retry } = input
  await step.run('first', () => witness(`${key}/first`))
  const made = await step.run(
    'shaky',
    async ({ attempt }) => {
      const times = await witness(`${key}/shaky`)
      if (times > failures) return { attempt, times }
      if (input.how === 'unstorable') return new Map()
      throw failureOf(input, times)
    },
    retry === undefined ? {} : { retry },
  )
  await step.run('last', () => witness(`${key}/last`))
  return { made, runAttempt: step.attempt }
}

function failureOf({ how, after = 0 }: Shaky, times: number): Error {
  const cause = new RangeError('too far', { cause: 'a word' })
  if (how === 'final') return new NonRetryableError(`failure ${times}`, { cause })
  if (how !== 'after') return new TypeError(`failure ${times}`, { cause })
  return new RetryAfterError(`failure ${times}`, { after: after > 1e12 ? new Date(after) : after })
}

export const shakyStep = defineJob({ name: 'shaky-step', run: shaky })

/** As `shakyStep`, with a policy of its own. */
export const shakyJob = defineJob({
  name: 'shaky-job',
  retry: { maxAttempts: 3, initialDelay: 200, factor: 3, maxDelay: 500, jitter: 0 },
  run: shaky,
})

/** As `shakyJob`, and so late that only a test's end or a cancel ends its wait. */
export const patientJob = defineJob({
  name: 'patient-job',
  retry: { maxAttempts: 2, initialDelay: '1h', maxDelay: '1h' },
  run: shaky,
})

export interface Slow {
  readonly key: string
  /** `minds`: ends by its signal; `returns`: the same, with a value; `ignores`: its signal; `hangs`: its thread, too; `blocks`: its thread for
   * some seconds. */
  readonly how: 'minds' | 'returns' | 'ignores' | 'hangs' | 'blocks'
}

/** Longer than the engine waits for a word of a timeout. */
const BLOCKED_MS = 6_000

function blocked(): string {
  const end = performance.now() + BLOCKED_MS
  while (performance.now() < end);
  return 'late'
}

/** Takes until the gate `<key>` opens, or until its signal. */
async function dawdle({ key, how }: Slow, signal: AbortSignal): Promise<string> {
  await witness(`${key}/dawdles`)
  if (how === 'hangs') for (;;);
  if (how === 'blocks') return blocked()
  if (how === 'ignores') {
    await gate(key)
    await witness(`${key}/late`)
    return 'late'
  }
  try {
    await gate(key, signal)
  } catch (reason) {
    await witness(`${key}/aborted/${isStepwellError(reason) ? reason.code : typeof reason}`)
    if (how === 'minds') throw reason
  }
  return 'returned'
}

/** The first attempt of its step is slow. */
export const slowStep = defineJob({
  name: 'slow-step',
  run: (step, input: Slow & { readonly timeout: number; readonly maxAttempts: number }) =>
    step.run(
      'slow',
      ({ attempt, signal }) => (attempt > 1 ? `attempt ${attempt}` : dawdle(input, signal)),
      {
        timeout: input.timeout,
        retry: { maxAttempts: input.maxAttempts, initialDelay: 10, jitter: 0 },
      },
    ),
})

/** The first attempt of the run is slow, between steps. */
export const slowJob = defineJob({
  name: 'slow-job',
  timeout: 500,
  retry: { maxAttempts: 2, initialDelay: 10, jitter: 0 },
  run: async (step, input: Slow) => {
    await step.run('first', () => witness(`${input.key}/first`))
    return step.attempt > 1 ? `attempt ${step.attempt}` : dawdle(input, step.signal)
  },
})

/** Waits for longer than its timeout. */
export const restful = defineJob({
  name: 'restful',
  timeout: 1_000,
  run: async (step, { ms }: { readonly ms: number }) => {
    await step.sleep('rest', ms)
    return 'rested'
  },
})

export interface Online {
  readonly key: string
  readonly failures?: number
}

/** Its second step needs the network, and fails the first `failures` times, once the gate `<key>` is open. */
export const onlineStep = defineJob({
  name: 'online-step',
  run: async (step, { key, failures = 0 }: Online) => {
    await step.run('local', () => 'done')
    return step.run(
      'fetch',
      async ({ attempt }) => {
        const times = await witness(`${key}/fetch`)
        if (times <= failures) {
          // What becomes of this request when the network goes is all the same.
          await gate(key).catch(() => undefined)
          throw new TypeError(`failure ${times}`)
        }
        return { attempt, times }
      },
      { network: 'online', retry: { maxAttempts: 2, initialDelay: 800, jitter: 0 } },
    )
  },
})

export const onlineJob = defineJob({
  name: 'online-job',
  network: 'online',
  run: async (step, { key }: Online) => {
    await witness(`${key}/code`)
    return step.run('fetch', ({ attempt }) => ({ attempt }))
  },
})
