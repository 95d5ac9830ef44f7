/**
 * The one place where untyped values become typed ones. What the database holds is taken for what the job's code states:
 * its input was parsed by the job's schema when it was triggered, its output came from the job's function. Rows of older
 * code can differ, and no type can tell. The function returns its
 * argument.
 */
import type { AnyJob } from '../infer.js'
import type { Step, StepwellStatus } from '../types.js'
import type { UntypedRun } from './convert.js'
import type { ClientCore, UntypedRunsPage, UntypedTriggered } from './core.js'
import type { UntypedSignalled } from './signal.js'
import type { Subscription } from './subscribe.js'
import type { UntypedOutput } from './trigger-and-wait.js'
import type { LogsPage, Stepwell } from './types.js'

/** The commands of a client before its types. */
export interface UntypedCommands {
  trigger(job: unknown, input?: unknown, options?: unknown): Promise<UntypedTriggered>
  batchTrigger(job: unknown, items?: unknown): Promise<readonly UntypedTriggered[]>
  retrigger(runId: string): Promise<UntypedTriggered>
  triggerAndWait(job: unknown, input?: unknown, options?: unknown): Promise<UntypedOutput>
  getRun(runId: string): Promise<UntypedRun | null>
  getRuns(filter?: unknown): Promise<UntypedRunsPage>
  getSteps(runId: string, options?: unknown): Promise<readonly Step[]>
  getLogs(runId: string, filter?: object): Promise<LogsPage>
  waitForRun(runId: string, options?: object): Promise<UntypedRun>
  cancel(runId: string): Promise<UntypedRun>
  retry(runId: string): Promise<UntypedRun>
  signal(key: unknown, value?: unknown): Promise<UntypedSignalled>
  deleteRun(runId: string): Promise<void>
  purgeRuns(options?: unknown): Promise<number>
  exportDatabase(options?: unknown): Promise<Uint8Array<ArrayBuffer>>
  importDatabase(file?: unknown): Promise<void>
  persist(): Promise<boolean>
}

/** A client before its types. */
export interface UntypedStepwell extends UntypedCommands {
  setContext(value: unknown): void
  subscribe(runId: string): Subscription
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
