/** A `Step` whose calls are answered by a test: it stores nothing and makes no children. */
import type { AnyJob, JobInput, JobOutput, JobStep, Settled, StepLog } from '../src/index.js'
import { isJob } from '../src/index.js'

/** A call as the test sees it, and answers it: what is thrown is what the call rejects with. */
export type StepCall =
  | { readonly call: 'run'; readonly name: string }
  | { readonly call: 'sleep'; readonly name: string; readonly duration: unknown }
  | {
      readonly call: 'invoke'
      readonly name: string
      readonly job: string
      readonly input: unknown
    }
  | {
      readonly call: 'invokeAll'
      readonly name: string
      readonly mode: 'settled' | 'failFast'
      readonly children: readonly { readonly job: string; readonly input: unknown }[]
    }

export interface FakeStep {
  readonly step: JobStep
  readonly calls: StepCall[]
}

export function fakeStep(answer: (call: StepCall) => unknown): FakeStep {
  const calls: StepCall[] = []
  const ask = async (call: StepCall): Promise<unknown> => {
    calls.push(call)
    return answer(call)
  }
  function invoke<J extends AnyJob>(name: string, job: J, ...args: unknown[]): Promise<JobOutput<J>>
  function invoke(name: string, job: AnyJob, input?: unknown): Promise<unknown> {
    return ask({ call: 'invoke', name, job: job.name, input })
  }
  type Calls = readonly { readonly job: AnyJob; readonly input?: unknown }[]
  function invokeAll<const Js extends readonly AnyJob[]>(
    name: string,
    calls: { readonly [K in keyof Js]: { readonly job: Js[K]; readonly input?: JobInput<Js[K]> } },
    options: { readonly mode: 'settled' },
  ): Promise<{ -readonly [K in keyof Js]: Settled<JobOutput<Js[K]>> }>
  function invokeAll<const Js extends readonly AnyJob[]>(
    name: string,
    calls: { readonly [K in keyof Js]: { readonly job: Js[K]; readonly input?: JobInput<Js[K]> } },
    options?: { readonly mode?: 'failFast' },
  ): Promise<{ -readonly [K in keyof Js]: JobOutput<Js[K]> }>
  function invokeAll(
    name: string,
    children: Calls,
    { mode = 'failFast' }: { readonly mode?: 'settled' | 'failFast' } = {},
  ): Promise<unknown> {
    const shown = children.map(({ job, input }) => ({ job: isJob(job) ? job.name : job, input }))
    return ask({ call: 'invokeAll', name, mode, children: shown })
  }
  const { signal } = new AbortController()
  const step: JobStep = {
    async run(name, fn) {
      await ask({ call: 'run', name })
      const idempotencyKey = `run-1:${name}`
      return fn({ signal, attempt: 1, idempotencyKey, log: silent, progress: () => undefined })
    },
    async sleep(name, duration) {
      await ask({ call: 'sleep', name, duration })
    },
    sleepUntil: () => unwanted('sleepUntil'),
    waitForSignal: () => unwanted('waitForSignal'),
    map: () => unwanted('map'),
    invoke,
    invokeAll,
    progress: () => undefined,
    log: silent,
    signal,
    throwIfAborted: () => undefined,
    runId: 'run-1',
    attempt: 1,
    labels: {},
    context: undefined,
  }
  return { step, calls }
}

const silent: StepLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

function unwanted(call: string): never {
  throw new Error(`step.${call} was called`)
}
