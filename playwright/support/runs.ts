/** Triggering any job, and waiting for what becomes of its run. */
import type { Page } from '@playwright/test'
import type {
  JobInput,
  JobsOf,
  RunStatus,
  StepwellEvent,
  StepwellEventOf,
  StepwellEventType,
  WaitingFor,
} from '@stepwell/core'
import type * as definitions from '../pages/definitions.js'

type Jobs = JobsOf<typeof definitions>
type JobOf<N> = Extract<Jobs, { readonly name: N }>

/** Triggers a run of a job; its id. */
export function trigger<N extends Jobs['name']>(
  page: Page,
  job: N,
  input: JobInput<JobOf<N>>,
  options: object = {},
): Promise<string> {
  const call: { job: string; input: unknown; options: object } = { job, input, options }
  return page.evaluate(({ job, input, options }) => window.start(job, input, options), call)
}

/** Waits until a run waits, for something of that kind if one is given; what it waits for. */
export function waiting(page: Page, runId: string, kind?: WaitingFor['kind']): Promise<WaitingFor> {
  return page.evaluate(
    async ({ runId, kind }) => {
      for await (const update of window.stepwell.subscribe(runId)) {
        const wait =
          update.type === 'snapshot'
            ? update.run.waitingFor
            : update.type === 'run:wait'
              ? update.waitingFor
              : undefined
        if (wait !== undefined && (kind === undefined || wait.kind === kind)) return wait
      }
      throw new Error(`run ${runId} ended and did not wait`)
    },
    { runId, kind },
  )
}

/** The time at which a wait ends by itself. */
export function untilOf(wait: WaitingFor): number {
  return 'until' in wait ? (wait.until ?? Number.NaN) : Number.NaN
}

/** What the page was told of a run, of one type, in order. */
export async function eventsOf<T extends StepwellEventType>(
  page: Page,
  runId: string,
  type: T,
): Promise<StepwellEventOf<T>[]> {
  const all: StepwellEvent[] = await page.evaluate(
    (id) => window.events.filter((event) => 'runId' in event && event.runId === id),
    runId,
  )
  return all.filter((event): event is StepwellEventOf<T> => event.type === type)
}

/** The steps of a run by name. */
export async function stepsOf(page: Page, runId: string) {
  const steps = await page.evaluate((id) => window.stepwell.getSteps(id, { outputs: true }), runId)
  return new Map(steps.map((step) => [step.name, step]))
}

/** Its children, by their places. */
export async function childrenOf(page: Page, parent: string) {
  const { runs } = await page.evaluate(
    (parent) => window.stepwell.getRuns({ parent, limit: 1000 }),
    parent,
  )
  return runs.toSorted((a, b) => (a.childIndex ?? 0) - (b.childIndex ?? 0))
}

export async function statusesOf(page: Page, parent: string): Promise<RunStatus[]> {
  return (await childrenOf(page, parent)).map(({ status }) => status)
}

/** Sends a signal; what became of it. */
export async function signal(page: Page, key: string, value?: unknown): Promise<string> {
  const sent = await page.evaluate(({ key, value }) => window.stepwell.signal(key, value), {
    key,
    value,
  })
  return sent.disposition
}

/** Something that takes a slot is done: whatever could have been claimed before it was. */
export async function passThroughASlot(page: Page): Promise<void> {
  await page.evaluate(() => window.stepwell.triggerAndWait('quick', { count: 1 }))
}

/** What a promise of the client comes to. */
export function cancel(page: Page, runId: string) {
  return page.evaluate((id) => window.outcome(window.stepwell.cancel(id)), runId)
}

export function retry(page: Page, runId: string) {
  return page.evaluate((id) => window.outcome(window.stepwell.retry(id)), runId)
}

export function deleteRun(page: Page, runId: string) {
  return page.evaluate((id) => window.outcome(window.stepwell.deleteRun(id)), runId)
}
