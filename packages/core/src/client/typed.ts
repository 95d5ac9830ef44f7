/**
 * The one place where untyped values become typed ones. What the database holds is taken for what the job's code states:
 * its input was parsed by the job's schema when it was triggered, its output came from the job's function. Rows of older
 * code can differ, and no type can tell. Each function returns its
 * argument.
 */
import type { AnyJob, RunOf } from '../infer.js'
import type { UntypedRun } from './convert.js'
import type { ClientCore } from './core.js'
import type { LogsPage, Stepwell, TriggeredOutput } from './types.js'
import type { UntypedTriggered } from './core.js'
import type { Step, StepwellStatus } from '../types.js'
import type { UntypedRunsPage } from './commands.js'

/** A client before its types. */
export interface UntypedStepwell {
  trigger(job: unknown, input?: unknown, options?: unknown): Promise<UntypedTriggered>
  triggerAndWait(
    job: unknown,
    input?: unknown,
    options?: unknown,
  ): Promise<TriggeredOutput<AnyJob>>
  getRun(runId: string): Promise<UntypedRun | null>
  getRuns(filter?: unknown): Promise<UntypedRunsPage>
  getSteps(runId: string, options?: unknown): Promise<readonly Step[]>
  getLogs(runId: string, filter?: object): Promise<LogsPage>
  waitForRun(runId: string, options?: object): Promise<UntypedRun>
  cancel(runId: string): Promise<UntypedRun>
  retry(runId: string): Promise<UntypedRun>
  on(type: unknown, listener: unknown): () => void
  readonly status: StepwellStatus
  onStatus(listener: (status: StepwellStatus) => void): () => void
  close(): Promise<void>
  readonly '~core': ClientCore
}

export function typedClient<U extends AnyJob>(client: UntypedStepwell): Stepwell<U>
export function typedClient(client: UntypedStepwell): unknown {
  return client
}

export function typedRun<J extends AnyJob>(run: UntypedRun): RunOf<J>
export function typedRun(run: UntypedRun): UntypedRun {
  return run
}
