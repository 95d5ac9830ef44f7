/** What the parts of a client share behind its public functions: commands on untyped values. */
import type { Codec } from '../codec/codec.js'
import type { Connection, Observable } from '../connection.js'
import type { Disposition, RunFilter } from '../generated/protocol.js'
import type { LogLine, Step, StepwellStatus } from '../types.js'
import type { UntypedRun } from './convert.js'
import type { Runtime } from './runtime.js'
import type { UntypedSignalled } from './signal.js'
import type { Subscription } from './subscribe.js'
import type { UntypedBegun } from './trigger-and-wait.js'
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

/** A client as its runtime has it. */
export interface Commands {
  readonly connection: Connection
  readonly codec: Codec
  readonly status: Observable<StepwellStatus>
  trigger(job: unknown, input: unknown, options: unknown): Promise<UntypedTriggered>
  batchTrigger(job: unknown, items: unknown): Promise<readonly UntypedTriggered[]>
  retrigger(runId: string): Promise<UntypedTriggered>
  getRun(runId: string): Promise<UntypedRun | null>
  /** As one of a list: `unreadable` where it cannot be read. */
  readRun(runId: string): Promise<UntypedRun | null>
  getRuns(filter: unknown): Promise<UntypedRunsPage>
  /** @param filter checked already. */
  readRuns(filter: RunFilter): Promise<UntypedRunsPage>
  getSteps(runId: string, outputs: boolean): Promise<readonly Step[]>
  checkStepsOptions(options: unknown): boolean
  getLogs(runId: string, filter?: LogsFilter): Promise<LogsPage>
  waitForRun(runId: string, options?: WaitOptions): Promise<UntypedRun>
  cancel(runId: string): Promise<UntypedRun>
  retry(runId: string): Promise<UntypedRun>
  signal(key: unknown, value: unknown): Promise<UntypedSignalled>
  subscribe(runId: string): Subscription
  deleteRun(runId: string): Promise<void>
  purgeRuns(options: unknown): Promise<number>
  /** A line whose data an event left out, whole. */
  fullLine(line: LogLine): Promise<LogLine>
  /** The same, of which few are open at once: for what may watch runs by the thousand. */
  readonly watched: Pick<Commands, 'getRun' | 'getSteps' | 'fullLine'>
}

type ObserverCommands =
  | 'trigger'
  | 'retrigger'
  | 'getRun'
  | 'getRuns'
  | 'readRuns'
  | 'cancel'
  | 'retry'
  | 'signal'

/** A client as observers have it: there at once. The first command, and `connect`, loads the runtime. */
export interface ClientCore extends Pick<Commands, ObserverCommands> {
  readonly connection: Pick<Connection, 'connect' | 'onEvents' | 'onReset'>
  readonly status: Observable<StepwellStatus>
  /** What `status` is before anything is known, and always on a server. */
  readonly serverStatus: StepwellStatus
  /** `null` before it was loaded. */
  readonly runtime: Runtime | null
  /** Calls the listener as soon as the runtime is there, before any command is carried out. */
  onRuntime(listener: (runtime: Runtime) => void): () => void
  /** In the order of the calls, once the runtime is there. Rejects with a `StepwellError` where it cannot be loaded. */
  call<T>(use: (runtime: Runtime) => Promise<T>): Promise<T>
  /** The filter of a list of which pages are read by `readRuns`: `what` names the function in messages. */
  checkRunFilter(filter: unknown, what: string): RunFilter
  beginAndWait(job: unknown, input: unknown, options: unknown): Promise<UntypedBegun>
}
