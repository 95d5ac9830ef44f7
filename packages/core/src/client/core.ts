/** What the parts of a client share behind its public functions: commands on untyped values. */
import type { Codec } from '../codec/codec.js'
import type { Connection, Observable } from '../connection.js'
import type { Disposition, RunFilter } from '../generated/protocol.js'
import type { JobDefinition } from '../job.js'
import type { LogLine, Step, StepwellStatus } from '../types.js'
import type { UntypedRun } from './convert.js'
import type { UntypedSignalled } from './signal.js'
import type { Subscription } from './subscribe.js'
import type { LogsFilter, LogsPage, WaitOptions } from './types.js'

export interface UntypedTriggered {
  readonly id: string
  readonly disposition: Disposition
  readonly run: UntypedRun
}

export interface UntypedRunsPage {
  readonly runs: readonly UntypedRun[]
  readonly nextCursor: string | null
}

export interface ClientCore {
  readonly connection: Connection
  readonly codec: Codec
  readonly status: Observable<StepwellStatus>
  /** What `status` is before anything is known, and always on a server. */
  readonly serverStatus: StepwellStatus
  /** The job of that name or definition; throws `not_found` with the known names. */
  resolve(job: unknown): JobDefinition
  trigger(job: unknown, input: unknown, options: unknown): Promise<UntypedTriggered>
  batchTrigger(job: unknown, items: unknown): Promise<readonly UntypedTriggered[]>
  retrigger(runId: string): Promise<UntypedTriggered>
  getRun(runId: string): Promise<UntypedRun | null>
  /** As one of a list: `unreadable` where it cannot be read. */
  readRun(runId: string): Promise<UntypedRun | null>
  getRuns(filter: unknown): Promise<UntypedRunsPage>
  /** The filter of a list of which pages are read by `readRuns`: `what` names the function in messages. */
  checkRunFilter(filter: unknown, what: string): RunFilter
  readRuns(filter: RunFilter): Promise<UntypedRunsPage>
  getSteps(runId: string, outputs: boolean): Promise<readonly Step[]>
  getLogs(runId: string, filter: LogsFilter): Promise<LogsPage>
  waitForRun(runId: string, options: WaitOptions): Promise<UntypedRun>
  cancel(runId: string): Promise<UntypedRun>
  retry(runId: string): Promise<UntypedRun>
  signal(key: unknown, value: unknown): Promise<UntypedSignalled>
  subscribe(runId: string): Subscription
  deleteRun(runId: string): Promise<void>
  purgeRuns(options: unknown): Promise<number>
  /** For tests, through `@stepwell/core/testing`. A number: the executor of that index. */
  crash(what: 'panic' | 'terminate' | number): void
  /** A line whose data an event left out, whole. */
  fullLine(line: LogLine): Promise<LogLine>
  /** The same, of which few are open at once: for what may watch runs by the thousand. */
  readonly watched: Pick<ClientCore, 'getRun' | 'getSteps' | 'fullLine'>
}
